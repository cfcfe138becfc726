import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Change } from '../destination-batch/codes.ts';
import { type DestinationConfiguration, destinationConfigurationSchema } from '../destination-batch/config/schema.ts';
import { ItemArena } from '../destination-batch/item-arena.ts';
import { createDestinationStreams } from '../destination-batch/mapping/streams.ts';
import { explainRefused } from '../destination-batch/untimely.ts';
import { parseInputLine } from '../destination-batch/write/input.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import { readConfiguration } from '../protocol/configuration/configuration.ts';
import { isWarningOrWorse, type Message } from '../protocol/messages.ts';
import { chooseStreams, explainSeveralStreams } from '../runner/catalog.ts';
import { checkConfigurations } from '../runner/check-configurations.ts';
import { type DescribedStream, describeStreams } from '../runner/describe-streams.ts';
import { findExposedSecrets } from '../runner/exposed-secrets.ts';
import { runInProcess } from '../runner/in-process.ts';
import { StreamUses } from '../runner/stream-uses.ts';
import { createTempFolder } from '../runner/temp-folder.ts';
import { describeFirstRun, read } from '../source-clickhouse/commands.ts';
import { buildFirstRequest, type Request } from './request.ts';
import { Sample } from './sample.ts';

/** The size of the sample, in rows. The sample is larger if more rows are to be shown. */
const SAMPLE_ROWS = 1_000;

export type PreviewOptions = {
  /** The paths of the two configurations. */
  source: string;
  destination: string;
  /** The name of the stream. It can be undefined if the source has only one. */
  stream: string | undefined;
  /** The number of rows to show. */
  rows: number;
  /** Receives the warnings of both connectors. */
  warn: (message: string) => void;
};

export type Preview = {
  stream: string;
  /** Where the first run begins; undefined if it begins at the first row. */
  start: string | undefined;
  sample: Sample;
  request: Request | undefined;
};

/**
 * Reads the first rows of a stream and maps them as a sync would. It sends no request to Batch.
 *
 * @throws ConnectorError if a configuration or the stream is invalid, or if the source can't be read.
 */
export async function preview(context: CommandContext, options: PreviewOptions): Promise<Preview> {
  const reported = new Set<string>();
  // The source connects several times, for `discover`, for the first run and for `read`, and logs the same warnings each time.
  const warn = (message: string): void => {
    if (!reported.has(message)) options.warn(message);
    reported.add(message);
  };
  await checkConfigurations(options, { environment: context.environment, warn: (_, message) => warn(message) });
  const exposed = await findExposedSecrets(options);
  if (exposed !== undefined) warn(exposed);
  const configuration = await readDestinationConfiguration(context, options);
  const streams = await describeStreams(context, options.source, warn);
  const names = streams.map(({ name }) => name);
  const uses = new StreamUses(configuration);
  for (const warning of uses.findUnknown(names)) warn(warning);
  const stream = pickStream(streams, options.stream);
  const catalog = { streams: [{ stream, sync_mode: 'incremental' as const }] };
  const arena = new ItemArena();
  const sample = new Sample({
    arena,
    mapperWith: (onChange) => {
      const report = (_: string, change: Change): void => onChange(change);
      const found = createDestinationStreams(configuration, catalog, context.now, report, arena).find(
        stream.name,
        stream.namespace,
      );
      if (found === undefined) throw new Error('The catalog lacks the stream that it was built from.');
      return found.mapper;
    },
    explainUntimely: ({ event }) =>
      explainRefused(arena.read(event), context.now(), configuration.limits.event_age_hours),
    maxShown: options.rows,
  });

  let start: string | undefined;
  const use = uses.find(stream.name);
  await runInProcess((output) => describeFirstRun({ ...context, output }, options.source, stream.name, use), {
    message: (message) => {
      if (message.kind !== 'log') return;
      if (isWarningOrWorse(message.level)) warn(message.message);
      else start = message.message;
    },
  });

  const folder = await createTempFolder();
  try {
    const catalogPath = join(folder.path, 'catalog.json');
    await writeFile(catalogPath, JSON.stringify(catalog));
    const paths = { config: options.source, catalog: catalogPath, state: undefined };
    await runInProcess((output) => read({ ...context, output }, paths, Math.max(SAMPLE_ROWS, options.rows)), {
      row: (line) => {
        const message = parseInputLine(line);
        if (message.kind === 'record') sample.take(message.data);
      },
      message: (message) => {
        if (message.kind === 'log' && isWarningOrWorse(message.level)) warn(message.message);
      },
    });
  } finally {
    folder.remove();
  }
  return { stream: stream.name, start, sample, request: buildFirstRequest(arena, sample.mapped, configuration) };
}

/**
 * Reads the configuration of the destination. Messages written to `context.output` would not be shown, so log messages
 * go to `warn` instead.
 */
function readDestinationConfiguration(
  { output, ...context }: CommandContext,
  { destination, warn }: PreviewOptions,
): Promise<DestinationConfiguration> {
  const forwarding = {
    write: async (message: Message): Promise<void> => {
      if (message.type === 'LOG') warn(message.log.message);
    },
  };
  return readConfiguration(destination, destinationConfigurationSchema, { ...context, output: forwarding });
}

function pickStream(streams: readonly DescribedStream[], name: string | undefined): DescribedStream {
  const [first, ...others] = chooseStreams(streams, name === undefined ? [] : [name]);
  if (first !== undefined && others.length === 0) return first;
  throw explainSeveralStreams(streams, 'Choose one with --stream.');
}
