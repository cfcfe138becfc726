import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveReferences } from './references.ts';

const ENVIRONMENT = { PASSWORD: 'hunter2', _host_1: 'db', EMPTY: '' };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'references-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file, and returns the reference to it. */
function fileWith(content: string | Uint8Array): string {
  const path = join(folder, 'secret');
  writeFileSync(path, content);
  return `\${file:${path}}`;
}

describe('a reference', () => {
  test.each([
    ['only a reference', '${PASSWORD}', 'hunter2'],
    ['within a text', 'https://${_host_1}:${PASSWORD}@', 'https://db:hunter2@'],
    ['doubled', '$${PASSWORD} and $${', '${PASSWORD} and ${'],
    ['of another form', '$PASSWORD {PASSWORD} $$', '$PASSWORD {PASSWORD} $$'],
  ])('%s', (_, text, expected) => {
    expect(resolveReferences(text, ENVIRONMENT, 'f').value).toBe(expected);
  });

  test('is replaced at any depth, and its value is returned', () => {
    const value = { port: 1, on: true, none: null, tunnel: { keys: ['a', '${PASSWORD}'] }, '${PASSWORD}': 'x' };
    expect(resolveReferences(value, ENVIRONMENT, 'f')).toEqual({
      value: { ...value, tunnel: { keys: ['a', 'hunter2'] } },
      fromReferences: ['hunter2'],
    });
  });

  test('in the value of a variable or a file is not replaced', () => {
    const text = `\${A}, ${fileWith('${PASSWORD}')}`;
    expect(resolveReferences(text, { A: '${PASSWORD}', ...ENVIRONMENT }, 'f').value).toBe('${PASSWORD}, ${PASSWORD}');
  });

  test.each([
    ['without a line break', 'hunter2', 'hunter2'],
    ['with a line break at its end', 'hunter2\n', 'hunter2'],
    ['with the line break of Windows at its end', 'hunter2\r\n', 'hunter2'],
    ['with two lines and an empty one', ' a\nb\n\n', ' a\nb\n'],
  ])('to a file %s is replaced, and its value is returned', (_, content, expected) => {
    const resolved = resolveReferences({ key: `<${fileWith(content)}>` }, ENVIRONMENT, 'f');
    expect(resolved).toEqual({ value: { key: `<${expected}>` }, fromReferences: [expected] });
  });
});

describe('names the option of an invalid reference, but no value:', () => {
  test.each([
    ['a variable that is not set', { password: '${NOT_SET}' }, /password refers to .* NOT_SET, which is not set/],
    ['a variable that is empty', { keys: ['', '${EMPTY}'] }, /keys\.1 refers to .* EMPTY, which is empty/],
    ['no name', { password: 'hunter2${}' }, /password contains \$\{ without a name/],
    ['no end', { password: 'hunter2${A' }, /password contains \$\{ .* use \$\$\{/],
    ['a file that does not exist', { key: '${file:/no/such}' }, /key refers to the file \/no\/such, .*no such file/],
    ['a relative path', { key: '${file:such}' }, /key refers to the file such, which is not an absolute path/],
    [
      'a variable and a file',
      { a: '${ONE}', b: '${file:}' },
      /a refers .*; b refers .*export NAME=….*path of each file/,
    ],
    ['several', { a: '${ONE}', b: { c: '${TWO}' } }, /a refers to .* ONE.*; b\.c refers to .* TWO/],
  ])('%s', (_, value, expected) => {
    const resolving = (): unknown => resolveReferences(value, ENVIRONMENT, 'source.json');
    expect(resolving).toThrow(expect.objectContaining({ failureType: 'config_error' }));
    expect(resolving).toThrow(expected);
    expect(resolving).not.toThrow(/hunter2/);
  });
});

describe('names a file that is not a valid secret, but not its content:', () => {
  test.each([
    ['an empty one', () => fileWith('\n'), /key refers to the file .*, which is empty/],
    ['a folder', () => fileWith('').replace('/secret}', '}'), /which is not a regular file/],
    ['a large one', () => fileWith(`hunter2${' '.repeat(1024 * 1024)}`), /which has more than a megabyte/],
    ['a binary one', () => fileWith(Buffer.from('hunter2\xff', 'latin1')), /which is not text in UTF-8/],
  ])('%s', (_, reference, expected) => {
    const resolving = (): unknown => resolveReferences({ key: reference() }, ENVIRONMENT, 'source.json');
    expect(resolving).toThrow(expected);
    expect(resolving).not.toThrow(/hunter2/);
  });
});
