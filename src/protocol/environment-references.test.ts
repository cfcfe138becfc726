import { describe, expect, test } from 'vitest';
import { resolveReferences } from './environment-references.ts';

const ENVIRONMENT = { PASSWORD: 'hunter2', _host_1: 'db', EMPTY: '' };

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
      fromEnvironment: ['hunter2'],
    });
  });

  test('in the value of a variable is not replaced', () => {
    expect(resolveReferences('${A}', { A: '${PASSWORD}', ...ENVIRONMENT }, 'f').value).toBe('${PASSWORD}');
  });
});

describe('names the option of an invalid reference, but no value:', () => {
  test.each([
    ['a variable that is not set', { password: '${NOT_SET}' }, /password refers to .* NOT_SET, which is not set/],
    ['a variable that is empty', { keys: ['', '${EMPTY}'] }, /keys\.1 refers to .* EMPTY, which is empty/],
    ['no name', { password: 'hunter2${}' }, /password contains \$\{ without a name/],
    ['no end', { password: 'hunter2${A' }, /password contains \$\{ .* use \$\$\{/],
    ['several', { a: '${ONE}', b: { c: '${TWO}' } }, /a refers to .* ONE.*; b\.c refers to .* TWO/],
  ])('%s', (_, value, expected) => {
    const resolving = (): unknown => resolveReferences(value, ENVIRONMENT, 'source.json');
    expect(resolving).toThrow(expect.objectContaining({ failureType: 'config_error' }));
    expect(resolving).toThrow(expected);
    expect(resolving).not.toThrow(/hunter2/);
  });
});
