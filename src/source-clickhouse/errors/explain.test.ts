import { describe, expect, test } from 'vitest';
import type { ConnectorError } from '../../protocol/errors.ts';
import { type SourceConfiguration, sourceConfigurationSchema } from '../config/schema.ts';
import { sourceError } from './codes.ts';
import { explainClickHouseError, mayBeWakingUp } from './explain.ts';
import { GatewayError } from './response-errors.ts';
import { explainSshError } from './ssh-errors.ts';

const PASSWORD = 'hunter2';

function configuration(changes: Partial<SourceConfiguration> = {}): SourceConfiguration {
  return sourceConfigurationSchema.parse({
    host: 'ch.example.com',
    database: 'shop',
    username: 'batch-sync',
    password: PASSWORD,
    ...changes,
  });
}

test('a failure that has advice already is left alone', () => {
  const error = sourceError('table_missing', 'Do this.');
  expect(explainClickHouseError(error, configuration())).toBe(error);
});

test('the error that was seen is kept as the cause', () => {
  const error = new Error('x');
  expect(explainClickHouseError(error, configuration()).cause).toBe(error);
});

describe('a server may be asleep', () => {
  const cut = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const bastion = {
    tunnel_method: 'SSH_PASSWORD_AUTH',
    tunnel_host: 'bastion',
    tunnel_port: 22,
    tunnel_user: 'tunnel',
    tunnel_user_password: PASSWORD,
  } as const;

  test.each<[string, ConnectorError, ssl: boolean, asleep: boolean]>([
    ['when it cuts a connection of TLS', explainClickHouseError(cut, configuration({ ssl: true })), true, true],
    [
      'when a proxy answers in its place',
      explainClickHouseError(new GatewayError(503, ''), configuration()),
      false,
      true,
    ],
    ['but not when it cuts one without TLS', explainClickHouseError(cut, configuration()), false, false],
    ['but not when an SSH server on the way cuts one', explainSshError(cut, bastion), true, false],
  ])('%s', (_, error, ssl, asleep) => {
    expect(mayBeWakingUp(error, configuration({ ssl }))).toBe(asleep);
  });
});
