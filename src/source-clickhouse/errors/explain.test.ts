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

test('returns a ConnectorError unchanged', () => {
  const error = sourceError('table_missing', 'Do this.');
  expect(explainClickHouseError(error, configuration())).toBe(error);
});

test('keeps the original error as the cause', () => {
  const error = new Error('x');
  expect(explainClickHouseError(error, configuration()).cause).toBe(error);
});

describe('a server may be waking up', () => {
  const cut = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const bastion = {
    tunnel_method: 'SSH_PASSWORD_AUTH',
    tunnel_host: 'bastion',
    tunnel_port: 22,
    tunnel_user: 'tunnel',
    tunnel_user_password: PASSWORD,
  } as const;

  test.each<[string, ConnectorError, ssl: boolean, isWaking: boolean]>([
    ['if it cuts a TLS connection', explainClickHouseError(cut, configuration({ ssl: true })), true, true],
    ['if a proxy answers instead', explainClickHouseError(new GatewayError(503, ''), configuration()), false, true],
    ['but not if it cuts a connection without TLS', explainClickHouseError(cut, configuration()), false, false],
    ['but not if the SSH server cuts the connection', explainSshError(cut, bastion), true, false],
  ])('%s', (_, error, ssl, isWaking) => {
    expect(mayBeWakingUp(error, configuration({ ssl }))).toBe(isWaking);
  });
});
