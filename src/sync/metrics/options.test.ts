import { expect, test } from 'vitest';
import { type MetricsArguments, parseMetricsOptions } from './options.ts';

test.each<[string, MetricsArguments, unknown]>([
  ['no option', {}, undefined],
  ['a port, on loopback', { metricsPort: '9464' }, { listen: { host: '127.0.0.1', port: 9464 }, file: undefined }],
  ['a host', { metricsPort: '0', metricsHost: '::' }, { listen: { host: '::', port: 0 }, file: undefined }],
  ['a file', { metricsFile: 'a/b.prom' }, { listen: undefined, file: 'a/b.prom' }],
])('accepts %s', (_, given, expected) => {
  expect(parseMetricsOptions(given, true)).toEqual(expected);
});

test('accepts a file for a single run', () => {
  expect(parseMetricsOptions({ metricsFile: 'b.prom' }, false)).toMatchObject({ file: 'b.prom' });
});

test.each<[MetricsArguments, boolean, RegExp]>([
  [{ metricsPort: '9464' }, false, /^--metrics-port needs --every or --cron: .* use --metrics-file\.$/],
  [{ metricsHost: '::' }, true, /^--metrics-host has no effect without --metrics-port\.$/],
  [{ metricsPort: '65536' }, true, /^--metrics-port 65536 isn't a port\. Write a number up to 65535, such as 9464\.$/],
  [{ metricsPort: '-1' }, true, /isn't a port/],
  [{ metricsPort: '1e3' }, true, /isn't a port/],
  [{ metricsFile: 'state.json' }, false, /^--metrics-file state\.json must end in \.prom, /],
  [{ metricsFile: 'a/.prom' }, false, /must end in \.prom/],
])('rejects %j', (given, isScheduled, message) => {
  expect(() => parseMetricsOptions(given, isScheduled)).toThrow(
    expect.objectContaining({ code: 'command_invalid', message: expect.stringMatching(message) }),
  );
});
