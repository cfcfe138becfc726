import { z } from 'zod';

/** A configuration: a path, or an object that the specification of its connector describes. */
function configuration(role: 'source' | 'destination', specification: string) {
  return z
    .union([
      z.string().min(1),
      // Editors follow this reference. `sync` checks every configuration against its specification, whether it is a file or not.
      z.looseObject({}).meta({ $ref: `${specification}.json#/connectionSpecification` }),
    ])
    .optional()
    .meta({
      description: `The configuration of the ${role}, or the path of a file that contains it.`,
      errorMessage: 'must be the path of a file, or an object with the configuration',
    });
}

const path = z.string().min(1);

/**
 * The file that `sync --config` reads. All options can also be given on the command line, so none is required here.
 * Where a schema has an `errorMessage`, `sync` and editors show it instead of the validator's own message.
 */
const syncFileSchema = z
  .strictObject({
    $schema: z.string().optional().meta({ description: 'The address of this schema, for editors.' }),
    source: configuration('source', 'source-clickhouse'),
    destination: configuration('destination', 'destination-batch'),
    state: path.optional().meta({ description: 'Where progress is saved. Created by the first run.' }),
    streams: z
      .union([z.array(z.string().min(1)).min(1), z.literal('all')])
      .optional()
      .meta({
        description:
          'The streams to sync (tables, views or queries); required if the source has several. "all" includes those that are added later.',
        errorMessage: 'must be a list of names, or "all"',
      }),
    schedule: z
      .strictObject({
        every: z
          .string()
          .min(1)
          .optional()
          .meta({
            description: 'Keep running, with one run per interval.',
            examples: ['30s', '5m', '2h', '1d'],
          }),
        cron: z
          .string()
          .min(1)
          .optional()
          .meta({
            description: 'Keep running, with one run whenever the cron pattern matches.',
            examples: ['0 3 * * *'],
          }),
      })
      .optional()
      .meta({
        description: 'When runs start. Without it, sync runs once.',
        minProperties: 1,
        maxProperties: 1,
        errorMessage: 'must have either "every" or "cron"',
      }),
    alert: z
      .strictObject({
        url: z.string().min(1).optional().meta({ description: 'The address that alerts are sent to.' }),
        headers: z
          .record(z.string(), z.string())
          .optional()
          .meta({
            description: 'HTTP headers to send with each alert.',
            examples: [{ Authorization: 'Bearer ${TOKEN}' }],
          }),
        rejected: z
          .union([z.string().min(1), z.int().min(0)])
          .optional()
          .meta({
            description: 'Also alert when a run rejects more than this: a share of its rows, or a number of rows.',
            examples: ['1%', 0],
            errorMessage: 'must be a share such as "1%", or a number of rows',
          }),
      })
      .optional()
      .meta({ description: 'Send an alert when the status of the sync changes.' }),
    stale_after: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'Also send an alert, and answer 503 at /readyz, when the newest row sent is older than this.',
        examples: ['30m', '2h'],
      }),
    metrics: z
      .strictObject({
        port: z
          .int()
          .min(0)
          .max(65_535)
          .optional()
          .meta({
            description: 'With a schedule: serve metrics for Prometheus and health checks on this port.',
            examples: [9464],
          }),
        host: z
          .string()
          .min(1)
          .optional()
          .meta({ description: 'Listen on this address instead of loopback.', examples: ['0.0.0.0'] }),
        file: z
          .string()
          .min(1)
          .optional()
          .meta({
            description: 'Write metrics after each run to this file, for the textfile collector of node_exporter.',
            examples: ['orders.prom'],
          }),
      })
      .optional()
      .meta({ description: 'Export metrics for Prometheus.' }),
  })
  .meta({
    title: 'clickhouse-to-batch sync',
    description:
      'All options of `clickhouse-to-batch sync --config FILE`. Options on the command line take precedence. Relative paths are relative to the folder of this file. Strings can contain ${NAME} for an environment variable and ${file:/PATH} for the content of a file.',
  });

/** The content of the file. */
export type SyncFile = z.input<typeof syncFileSchema>;

/** The schema of the file, for editors. */
export const syncFileJsonSchema = z.toJSONSchema(syncFileSchema, { target: 'draft-7', io: 'input' });
