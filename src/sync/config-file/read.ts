import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { GivenConfiguration } from '../../protocol/configuration/configuration.ts';
import { describeUnusable, parseJson, readTextFile } from '../../protocol/configuration/json-file.ts';
import { type Environment, resolveReferences } from '../../protocol/configuration/references.ts';
import { registerSecrets } from '../../protocol/secrets.ts';
import { syncError } from '../../runner/errors.ts';
import type { AlertArguments } from '../alerts/options.ts';
import type { MetricsArguments } from '../metrics/options.ts';
import { describeProblems } from './problems.ts';
import type { SyncFile } from './schema.ts';
import { validateSyncFile } from './validators.ts';

/** The options in a file, as the command line would contain them. */
export type FileOptions = {
  source: GivenConfiguration | undefined;
  destination: GivenConfiguration | undefined;
  state: string | undefined;
  streams: { stream: string[] | undefined; allStreams: boolean | undefined };
  schedule: { every: string | undefined; cron: string | undefined };
  staleAfter: string | undefined;
  alert: AlertArguments;
  metrics: MetricsArguments;
};

/** Matches a location that is not a path, such as s3://bucket/key. */
const LOCATION = /^[a-z][a-z0-9+.-]*:\/\//i;

/**
 * Reads the file that `sync --config` names. Relative paths in the file start from the file's folder. References are replaced,
 * except in the configurations of the connectors and in the options of alerts. Those references are replaced where the
 * configuration or the option is used.
 *
 * @throws ConnectorError (config_error) that names the file and every invalid option, but no secret.
 */
export async function readSyncFile(path: string, environment: Environment): Promise<FileOptions> {
  const content = parseJson('configuration', path, await readTextFile('configuration', path));
  const written = checkSyncFile(content, path);
  const { value, fromReferences } = resolveReferences(content, environment, path);
  registerSecrets(fromReferences);
  const { source, destination, state, streams, schedule, stale_after, metrics } = checkSyncFile(value, path);
  const folder = dirname(path);
  const inFolder = (given: string | undefined): string | undefined =>
    given === undefined || isAbsolute(given) || LOCATION.test(given) ? given : join(folder, given);
  const configuration = (role: 'source' | 'destination', given: SyncFile['source']): GivenConfiguration | undefined => {
    if (typeof given !== 'object') return inFolder(given);
    return { name: `"${role}" of ${path}`, value: written[role], folder: resolve(folder), file: path };
  };
  return {
    source: configuration('source', source),
    destination: configuration('destination', destination),
    state: inFolder(state),
    streams: streams === 'all' ? { stream: undefined, allStreams: true } : { stream: streams, allStreams: undefined },
    schedule: { every: schedule?.every, cron: schedule?.cron },
    staleAfter: stale_after,
    alert: alertArguments(written),
    metrics: {
      metricsPort: metrics?.port === undefined ? undefined : String(metrics.port),
      metricsHost: metrics?.host,
      metricsFile: inFolder(metrics?.file),
    },
  };
}

/** Returns the options of alerts as they are written. Their references are replaced when they are parsed. */
function alertArguments({ alert = {} }: SyncFile): AlertArguments {
  const headers = alert.headers && Object.entries(alert.headers).map(([name, value]) => `${name}: ${value}`);
  return {
    alertUrl: alert.url,
    alertHeaders: headers,
    alertRejected: alert.rejected === undefined ? undefined : String(alert.rejected),
  };
}

function checkSyncFile(value: unknown, path: string): SyncFile {
  if (validateSyncFile(value)) return value;
  const problems = describeProblems(validateSyncFile.errors ?? []);
  throw syncError('configuration_invalid', describeUnusable('configuration', path, problems));
}
