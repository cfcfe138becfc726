import { describe, expect, test } from 'vitest';
import { type SourceConfiguration, sourceConfigurationSchema } from '../config/schema.ts';
import type { SourceErrorCode } from './codes.ts';
import { CERTIFICATE_ERRORS, explainTlsError } from './tls-errors.ts';

const PLAIN = sourceConfigurationSchema.parse({ host: 'ch', port: 8443, ssl: true });
const WITH_CERTIFICATE: SourceConfiguration = { ...PLAIN, tls: { client_certificate: 'PEM', verify: true } };

/** An error of OpenSSL 3.0 in Node 20. */
function words(code: string, place: string, reason: string, end = ''): [code: string, message: string] {
  return [code, `80DC:error:0A00010B:SSL routines:${place}:${reason}:../deps/openssl/ssl/x.c:350:${end}\n`];
}

function alert(name: string, number: number): [code: string, message: string] {
  const code = `ERR_SSL_${name.toUpperCase().replaceAll(' ', '_')}`;
  return words(code, 'ssl3_read_bytes', name, `SSL alert number ${number}`);
}

describe('a TLS protocol error', () => {
  test.each<[string, [code: string, message: string], SourceConfiguration, SourceErrorCode, RegExp]>([
    [
      'a response in clear text',
      words('ERR_SSL_WRONG_VERSION_NUMBER', 'ssl3_get_record', 'wrong version number'),
      PLAIN,
      'tls_not_spoken',
      /^ch:8443 does not speak TLS, but "ssl" is on\. Turn ssl off/,
    ],
    [
      'other bytes that are not TLS',
      words('ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ssl3_get_record', 'packet length too long'),
      PLAIN,
      'tls_not_spoken',
      /does not speak TLS/,
    ],
    [
      'a server with an old version',
      words('ERR_SSL_UNSUPPORTED_PROTOCOL', 'ssl_choose_client_version', 'unsupported protocol'),
      PLAIN,
      'tls_not_agreed',
      /^ch:8443 only supports versions of TLS that are no longer safe/,
    ],
    [
      'a protocol version alert',
      alert('tlsv1 alert protocol version', 70),
      PLAIN,
      'tls_not_agreed',
      /only supports versions of TLS that are no longer safe/,
    ],
    [
      'a key that is too short',
      words('ERR_SSL_EE_KEY_TOO_SMALL', '', 'ee key too small'),
      PLAIN,
      'tls_not_agreed',
      /^TLS with ch:8443 failed: ee key too small\. (?!.*Turn ssl off)/,
    ],
    [
      'EPROTO',
      words('EPROTO', 'tls_process_ske_dhe', 'dh key too small'),
      PLAIN,
      'tls_not_agreed',
      /^TLS with ch:8443 failed: dh key too small\./,
    ],
    [
      'an unrecognised name, which OpenSSL does not call an alert',
      alert('tlsv1 unrecognized name', 112),
      PLAIN,
      'tls_not_agreed',
      /^TLS with ch:8443 failed: tlsv1 unrecognized name\./,
    ],
    [
      'a handshake failure alert, without a client certificate',
      alert('sslv3 alert handshake failure', 40),
      PLAIN,
      'tls_client_certificate_refused',
      /\(alert handshake failure\).+requires a client certificate, or shares no cipher.+tls\.client_certificate/,
    ],
    [
      'a handshake failure alert, with a client certificate',
      alert('sslv3 alert handshake failure', 40),
      WITH_CERTIFICATE,
      'tls_client_certificate_refused',
      /\(alert handshake failure\).+does not accept the client certificate.+shares no cipher/,
    ],
    [
      'a certificate required alert',
      alert('tlsv13 alert certificate required', 116),
      PLAIN,
      'tls_client_certificate_refused',
      /^ch:8443 requires a client certificate \(alert certificate required\)/,
    ],
    [
      'an unknown CA alert',
      alert('tlsv1 alert unknown ca', 48),
      WITH_CERTIFICATE,
      'tls_client_certificate_refused',
      /^ch:8443 refused the client certificate \(alert unknown ca\)/,
    ],
    [
      'an internal error alert',
      alert('tlsv1 alert internal error', 80),
      PLAIN,
      'clickhouse_cut_off',
      /^ch:8443 ended the TLS connection because of an internal error \(alert internal error\).+If this continues/,
    ],
  ])('%s', (_, [code, message], configuration, expected, advice) => {
    const explanation = explainTlsError(code, message, configuration);
    expect(explanation?.message).toMatch(advice);
    expect(explanation?.code).toBe(expected);
  });

  test('does not explain a connection that was cut', () => {
    expect(explainTlsError('ECONNRESET', 'socket hang up', PLAIN)).toBeUndefined();
  });
});

test('no code occurs twice in the table of certificate errors', () => {
  const codes = CERTIFICATE_ERRORS.flatMap((entry) => entry.codes);
  expect(codes).toEqual([...new Set(codes)]);
});
