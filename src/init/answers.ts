import { z } from 'zod';
import type { GivenConfiguration } from '../protocol/configuration/configuration.ts';
import type { RowKind } from '../source-clickhouse/schema/required-columns.ts';
import { FILES, readOptions } from './files.ts';

const text = z.string().optional().catch(undefined);

const sourceAnswers = z.object({
  host: text,
  port: z.int().optional().catch(undefined),
  ssl: z.boolean().optional().catch(undefined),
  username: text,
  password: text,
  database: text,
  cursor_column: text,
});

const destinationAnswers = z.object({ project_key: text, rest_api_key: text, api_url: text });

/** The settings of streams. Only `object` is read here. */
const streamSettings = z.object({ streams: z.record(z.string(), z.object({ object: text })) }).catch({ streams: {} });

/** The answers about the source. Each becomes the option of the same name in the configuration. */
export type SourceAnswers = z.output<typeof sourceAnswers>;

/** The answers about the destination. Each becomes the option of the same name in the configuration. */
export type DestinationAnswers = z.output<typeof destinationAnswers>;

/** `kind` is what the rows are sent as. */
export type Answers = { kind: RowKind; source: SourceAnswers; destination: DestinationAnswers };

/** Returns answers as a configuration, which is not in a file yet. */
export function asConfiguration(answers: object): Exclude<GivenConfiguration, string> {
  return { name: 'your answers', value: answers };
}

/** Reads the answers in the configuration files of a folder. A file that is missing, or isn't a JSON object, contains none. */
export async function readAnswers(folder: string): Promise<Answers> {
  const destination = await readOptions(folder, FILES.destination);
  const { streams } = streamSettings.parse(destination);
  return {
    kind: Object.values(streams).some(({ object }) => object === 'profile_attributes') ? 'profile' : 'event',
    source: sourceAnswers.parse(await readOptions(folder, FILES.source)),
    destination: destinationAnswers.parse(destination),
  };
}
