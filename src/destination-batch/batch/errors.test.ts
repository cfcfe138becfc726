import { expect, test } from 'vitest';
import { explainConnectionError } from './errors.ts';

/** Error messages of Node, OpenSSL and undici, with their codes. */
test.each([
  ['getaddrinfo ENOTFOUND api.batch.com', 'ENOTFOUND', "Can't reach api.batch.com: the name does not resolve"],
  ['getaddrinfo EAI_AGAIN api.batch.com', 'EAI_AGAIN', "Can't reach api.batch.com: the DNS server does not answer"],
  ['connect EHOSTUNREACH 10.0.0.1:443', 'EHOSTUNREACH', "Can't reach api.batch.com: there is no route to it"],
  [
    'Connect Timeout Error (attempted address: api.batch.com:443, timeout: 10000ms)',
    'UND_ERR_CONNECT_TIMEOUT',
    "Can't reach api.batch.com: it did not answer in time",
  ],
  [
    'Headers Timeout Error',
    'UND_ERR_HEADERS_TIMEOUT',
    'The request to api.batch.com failed: it did not answer in time',
  ],
  [
    'other side closed',
    'UND_ERR_SOCKET',
    'The request to api.batch.com failed: the connection was closed before the response was complete',
  ],
  [
    'Response does not match the HTTP/1.1 protocol (Expected HTTP/)',
    'HPE_INVALID_CONSTANT',
    'The request to api.batch.com failed: the server does not speak HTTP',
  ],
  [
    '40E7B1:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:../deps/openssl/x.c:1605:SSL alert number 70\n',
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'TLS with api.batch.com failed (ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION)',
  ],
  ['some new words', 'UND_ERR_NEW', 'The request to api.batch.com failed: the connection failed (UND_ERR_NEW)'],
])('explains "%s" without quoting it', (words, code, expected) => {
  const fault = explainConnectionError(Object.assign(new Error(words), { code }), 'https://api.batch.com');
  expect(fault.message).toBe(expected);
});
