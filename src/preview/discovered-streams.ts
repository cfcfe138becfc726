import { z } from 'zod';
import type { CommandContext } from '../protocol/command-context.ts';
import { discover } from '../source-clickhouse/commands.ts';
import { withLinesOf } from './connector-lines.ts';

const catalogMessage = z.object({
  type: z.literal('CATALOG'),
  catalog: z.object({
    streams: z.array(
      z.looseObject({
        name: z.string(),
        namespace: z.string(),
        json_schema: z.looseObject({ properties: z.record(z.string(), z.unknown()) }),
      }),
    ),
  }),
});

/** A stream as `discover` describes it; all of it goes into a catalog. */
export type DiscoveredStream = z.output<typeof catalogMessage>['catalog']['streams'][number];

/**
 * The streams of a source.
 *
 * @throws ConnectorError when the source can't be reached.
 */
export async function discoveredStreams(
  context: Omit<CommandContext, 'output'>,
  configPath: string,
): Promise<DiscoveredStream[]> {
  let streams: DiscoveredStream[] = [];
  await withLinesOf(
    (output) => discover({ ...context, output }, configPath),
    (line) => {
      const message = catalogMessage.safeParse(JSON.parse(line.toString()));
      if (message.success) streams = message.data.catalog.streams;
    },
  );
  return streams;
}
