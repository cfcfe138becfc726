import { expect, test } from 'vitest';
import { resolveReferences } from '../protocol/environment-references.ts';
import { escapeSecret } from './secret-text.ts';

test.each([
  ['a reference', '${CLICKHOUSE_PASSWORD}', 'from the environment'],
  ['a password', 'pa$$word', 'pa$$word'],
  ['a password that looks like a reference with more', 'a${CLICKHOUSE_PASSWORD}', 'a${CLICKHOUSE_PASSWORD}'],
  ['a password that looks like a broken one', '${1', '${1'],
  ['a password that looks like an escape', '$${X}', '$${X}'],
  ['nothing', '', ''],
])('%s is read as it is meant', (_, typed, read) => {
  const written = { password: escapeSecret(typed) };
  const { value } = resolveReferences(written, { CLICKHOUSE_PASSWORD: 'from the environment', X: 'x' }, 'source.json');
  expect(value).toEqual({ password: read });
});
