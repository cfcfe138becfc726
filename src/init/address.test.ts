import { expect, test } from 'vitest';
import { parseAddress } from './address.ts';

test.each<[string, object]>([
  ['localhost', { host: 'localhost' }],
  ['::1', { host: '::1' }],
  ['[::1]', { host: '[::1]' }],
  ['ch.internal:9123', { host: 'ch.internal', port: 9123 }],
  ['[::1]:8123', { host: '[::1]', port: 8123 }],
  ['https://abc.clickhouse.cloud:8443/', { host: 'abc.clickhouse.cloud', port: 8443, ssl: true }],
  ['https://abc.clickhouse.cloud', { host: 'abc.clickhouse.cloud', ssl: true }],
  ['HTTPS://abc.clickhouse.cloud:443', { host: 'abc.clickhouse.cloud', port: 443, ssl: true }],
  ['http://127.0.0.1:8123/play?user=default#U0VM', { host: '127.0.0.1', port: 8123, ssl: false }],
  ['http://[::1]:8123', { host: '[::1]', port: 8123, ssl: false }],
])('the address %s is split', (answer, expected) => {
  expect(parseAddress(answer)).toEqual({ kind: 'valid', ...expected });
});

test.each<[string, RegExp]>([
  ['two words', /^Enter a host name/],
  ['ch:port', /^Enter a host name/],
  ['ch:70000', /^Enter a whole number from 1 to 65535/],
  ['ch/path', /^Enter a host name/],
  ['clickhouse://ch:9000/shop', /native port/],
  ['jdbc:clickhouse://ch:8123/shop', /^Enter an https:\/\/ or http:\/\/ URL/],
  ['https://ch:99999', /not a valid URL/],
  ['https://reader:secret@ch:8443', /without a user and password/],
  ['https://ch/clickhouse', /without a path/],
])('the address %s is refused', (answer, problem) => {
  expect(parseAddress(answer)).toEqual({ kind: 'invalid', problem: expect.stringMatching(problem) });
});
