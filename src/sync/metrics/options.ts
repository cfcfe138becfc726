import { basename } from 'node:path';
import { type ConnectorError, protocolError } from '../../protocol/errors.ts';

/** The options of the metrics as the user wrote them. */
export type MetricsArguments = {
  metricsPort?: string | undefined;
  metricsHost?: string | undefined;
  metricsFile?: string | undefined;
};

/** An address to listen on. Port 0 is any free port. */
export type ListenAddress = { host: string; port: number };

/** Where metrics are exported to: a server, a file, or both. */
export type MetricsOptions = { listen: ListenAddress | undefined; file: string | undefined };

/** Only programs on the same machine can read the metrics, unless the user chooses another host. */
const DEFAULT_HOST = '127.0.0.1';

const MAX_PORT = 65_535;

/** The extension of the files that node_exporter reads. It reads no others. */
const FILE_EXTENSION = '.prom';

/**
 * Parses the options of the metrics. Returns undefined without --metrics-port and --metrics-file.
 *
 * @param isScheduled whether runs are repeated, with --every or --cron.
 * @throws ConnectorError (config_error) if an option is invalid or has no effect.
 */
export function parseMetricsOptions(
  { metricsPort, metricsHost, metricsFile }: MetricsArguments,
  isScheduled: boolean,
): MetricsOptions | undefined {
  if (metricsPort === undefined && metricsHost !== undefined) {
    throw argumentError('--metrics-host has no effect without --metrics-port.');
  }
  if (metricsPort !== undefined && !isScheduled) {
    throw argumentError(
      '--metrics-port needs --every or --cron: a single run ends before its metrics are read. For a single run, use --metrics-file.',
    );
  }
  if (
    metricsFile !== undefined &&
    (!metricsFile.endsWith(FILE_EXTENSION) || basename(metricsFile) === FILE_EXTENSION)
  ) {
    throw argumentError(
      `--metrics-file ${metricsFile} must end in ${FILE_EXTENSION}, because node_exporter reads no other files. Write a name such as orders.prom.`,
    );
  }
  if (metricsPort === undefined && metricsFile === undefined) return undefined;
  return {
    listen: metricsPort === undefined ? undefined : { host: metricsHost ?? DEFAULT_HOST, port: parsePort(metricsPort) },
    file: metricsFile,
  };
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= MAX_PORT) return port;
  throw argumentError(`--metrics-port ${text} isn't a port. Write a number up to ${MAX_PORT}, such as 9464.`);
}

function argumentError(message: string): ConnectorError {
  return protocolError('command_invalid', message);
}
