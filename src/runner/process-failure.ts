import type { ConnectorError } from '../protocol/errors.ts';
import { syncError } from './errors.ts';
import type { ProcessEnd } from './process.ts';

/**
 * Why a connector failed, if it did: what it said itself, or how its process ended.
 *
 * @param said the failures that it told of.
 * @param wasStopped whether it was asked to end.
 */
export function explainProcessEnd(
  speaker: 'source' | 'destination',
  { code, signal }: ProcessEnd,
  said: readonly ConnectorError[],
  wasStopped: boolean,
): readonly ConnectorError[] {
  if (said.length > 0) return said;
  if (code === 0 || (wasStopped && signal === 'SIGTERM')) return [];
  const how = signal === null ? `ended with code ${code} and said no reason` : `was ended from outside by ${signal}`;
  const likely =
    signal === 'SIGKILL'
      ? 'The machine has likely run out of memory. Give it more, or look at what else runs there'
      : 'Look at the messages above, and run again';
  return [syncError('connector_crashed', `The ${speaker} ${how}. ${likely}.`)];
}
