import { describe, expect, test } from 'vitest';
import type { ConnectorError } from '../../protocol/errors.ts';
import { type SourceConfiguration, sourceConfigurationSchema } from '../config/schema.ts';
import type { SourceErrorCode } from './codes.ts';
import { explainClickHouseError } from './explain.ts';
import { NETWORK_ERRORS } from './network-errors.ts';

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

/** The explanation of a network error of Node. */
function networkError(code: string, message: string, changes: Partial<SourceConfiguration> = {}): ConnectorError {
  const error = new Error(message);
  return explainClickHouseError(code === '' ? error : Object.assign(error, { code }), configuration(changes));
}

describe('a network error', () => {
  test.each<[string, code: string, message: string, Partial<SourceConfiguration>, SourceErrorCode, advice: RegExp]>([
    [
      'an unknown host name',
      'ENOTFOUND',
      'getaddrinfo ENOTFOUND ch.example.com',
      {},
      'clickhouse_address_wrong',
      /"ch\.example\.com" does not resolve\. Check its spelling/,
    ],
    [
      'a DNS server that does not answer',
      'EAI_AGAIN',
      'getaddrinfo EAI_AGAIN',
      {},
      'clickhouse_unreachable',
      /could not be resolved/,
    ],
    [
      'a line break in the username',
      'ERR_INVALID_CHAR',
      'Invalid character in header content ["X-ClickHouse-User"]',
      {},
      'clickhouse_login_refused',
      /username or the password contains a control character.+Remove it\.$/,
    ],
    [
      'a closed port',
      'ECONNREFUSED',
      'connect ECONNREFUSED',
      {},
      'clickhouse_unreachable',
      /Nothing listens at ch\.example\.com:8123.+8443/,
    ],
    [
      'a connection timeout',
      'ETIMEDOUT',
      'connect ETIMEDOUT',
      {},
      'clickhouse_unreachable',
      /did not answer in time\. A firewall/,
    ],
    ...['EHOSTUNREACH', 'ENETUNREACH'].map(
      (code): [string, string, string, Partial<SourceConfiguration>, SourceErrorCode, RegExp] => [
        `no route (${code})`,
        code,
        `connect ${code}`,
        {},
        'clickhouse_unreachable',
        /^There is no route from this machine to ch\.example\.com:8123\./,
      ],
    ),
    [
      'a silent server',
      '',
      'Timeout error.',
      {},
      'clickhouse_unreachable',
      /sent nothing for several minutes.+sorting/,
    ],
    [
      'TLS to a port without TLS',
      'EPROTO',
      'wrong version number',
      { ssl: true, port: 8123 },
      'tls_not_spoken',
      /ch\.example\.com:8123 does not speak TLS.+Turn ssl off/,
    ],
    [
      'TLS to a port that closes the connection',
      'ECONNRESET',
      'Client network socket disconnected before secure TLS connection was established',
      { ssl: true },
      'clickhouse_port_wrong',
      /closed the connection before TLS began.+does not speak TLS.+the server is waking up/,
    ],
    [
      'a TLS connection that was cut',
      'ECONNRESET',
      'aborted',
      { ssl: true },
      'clickhouse_cut_off',
      /was cut.+If this continues, look for the reason in their logs/,
    ],
    [
      'an unknown authority',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'unable to verify the first certificate',
      { ssl: true },
      'tls_certificate_refused',
      /certificate of ch\.example\.com:8123 is not accepted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/,
    ],
    [
      'an expired certificate',
      'CERT_HAS_EXPIRED',
      'certificate has expired',
      { ssl: true },
      'tls_certificate_refused',
      /certificate.+has expired/,
    ],
    [
      'a certificate for another name',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'Hostname/IP does not match',
      { ssl: true },
      'tls_certificate_refused',
      /Use a name from the certificate as host/,
    ],
    [
      'an HTTPS port without TLS',
      'HPE_INVALID_CONSTANT',
      'Parse Error: Expected HTTP/',
      {},
      'clickhouse_port_wrong',
      /turn ssl on/,
    ],
    [
      'a connection that was cut',
      'ECONNRESET',
      'read ECONNRESET',
      {},
      'clickhouse_port_wrong',
      /the server or a proxy restarted\. For an HTTPS port, turn ssl on/,
    ],
    ['a broken pipe', 'EPIPE', 'write EPIPE', {}, 'clickhouse_cut_off', /was cut/],
    [
      'a body that ended early',
      'ERR_STREAM_PREMATURE_CLOSE',
      'Premature close',
      { ssl: true },
      'clickhouse_cut_off',
      /was cut/,
    ],
    [
      'a response that is not JSON',
      '',
      'Unexpected token, "secret" is not valid JSON',
      {},
      'clickhouse_port_wrong',
      /answered, but the response isn't from ClickHouse\. Check/,
    ],
    [
      'an empty response',
      '',
      '',
      {},
      'clickhouse_port_wrong',
      /Check that host and port are those of ClickHouse's HTTP interface/,
    ],
  ])('%s', (_, code, message, changes, expected, advice) => {
    const error = networkError(code, message, changes);
    expect(error.message).toMatch(advice);
    expect(error.code).toBe(expected);
    expect(error.internalMessage).toBe(message);
    expect(error.message).not.toContain(PASSWORD);
  });

  test('no code occurs twice in the table, except for entries with or without TLS', () => {
    const codes = NETWORK_ERRORS.filter(({ ssl }) => ssl === undefined).flatMap((entry) => entry.codes ?? []);
    expect(codes).toEqual([...new Set(codes)]);
  });

  test('explains a thrown value that is not an Error', () => {
    const error = explainClickHouseError('gone', configuration());
    expect(error.failureType).toBe('transient_error');
    expect(error.internalMessage).toBe('gone');
  });
});
