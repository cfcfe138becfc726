import { z } from 'zod';
import { columnsSchema } from '../protocol/catalog.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import type { GivenConfiguration } from '../protocol/configuration/configuration.ts';
import { isWarningOrWorse } from '../protocol/messages.ts';
import { discover } from '../source-clickhouse/commands.ts';
import type { RowKind } from '../source-clickhouse/schema/required-columns.ts';
import { runInProcess } from './in-process.ts';

const describedStream = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  json_schema: z.looseObject({ properties: columnsSchema }),
});

/** A stream as `discover` describes it. A configured catalog contains this description unchanged. */
export type DescribedStream = z.output<typeof describedStream>;

/**
 * Discovers the streams of a source.
 *
 * @param warn receives the warnings of the source.
 * @param kind what the rows become. If the configuration names no tables, this decides which tables and views are streams.
 * @throws ConnectorError when the source can't be reached, or has no streams.
 */
export async function describeStreams(
  context: Omit<CommandContext, 'output'>,
  config: GivenConfiguration,
  warn: (message: string) => void = () => {},
  kind: RowKind = 'event',
): Promise<DescribedStream[]> {
  let streams: DescribedStream[] = [];
  await runInProcess(
    (output) => discover({ ...context, output }, config, { failFast: true, requireStreams: true, kind }),
    {
      message: (message) => {
        if (message.kind === 'catalog') streams = z.array(describedStream).parse(message.streams);
        else if (message.kind === 'log' && isWarningOrWorse(message.level)) warn(message.message);
      },
    },
  );
  return streams;
}
