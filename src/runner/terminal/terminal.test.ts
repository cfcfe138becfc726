import { describe, expect, test } from 'vitest';
import { describeTerminal } from './terminal.ts';

const SYMBOLS = '✓ ✗ 3 × █░ a… │ ◆ → é';
const IN_ASCII = '+ x 3 x #- a~ | * > é';

describe('symbols are replaced by ASCII characters of the same width', () => {
  test.each<[string, Record<string, string>, boolean]>([
    ['with LC_ALL=C', { LC_ALL: 'C' }, true],
    ['with LC_ALL=C, whatever LANG is', { LC_ALL: 'C', LANG: 'en_US.UTF-8' }, true],
    ['in Latin-1', { LANG: 'de_DE.ISO-8859-1' }, true],
    ['without a locale', {}, true],
    ['not in UTF-8', { LANG: 'en_US.UTF-8' }, false],
    ['not in the UTF-8 of macOS', { LC_CTYPE: 'UTF-8' }, false],
    ['not with LC_ALL=C.utf8, whatever LANG is', { LC_ALL: 'C.utf8', LANG: 'C' }, false],
    ['not with LANG in UTF-8 and an empty LC_ALL', { LC_ALL: '', LANG: 'en_US.UTF-8' }, false],
  ])('%s', (_, environment, isAscii) => {
    const terminal = describeTerminal({ isTTY: true }, environment);
    expect([terminal.isAscii, terminal.toCharset(SYMBOLS)]).toEqual([isAscii, isAscii ? IN_ASCII : SYMBOLS]);
  });

  test('not in a file or a pipe', () => {
    expect(describeTerminal({}, { LC_ALL: 'C' }).toCharset(SYMBOLS)).toBe(SYMBOLS);
  });
});

test('colours only for a terminal that has them', () => {
  const paint = (stream: Parameters<typeof describeTerminal>[0]): string => describeTerminal(stream).paint('red', 'no');
  expect(paint({ isTTY: true, hasColors: () => true })).toBe('\u001b[31mno\u001b[39m');
  expect(paint({ isTTY: true, hasColors: () => false })).toBe('no');
  expect(paint({ hasColors: () => true })).toBe('no');
});

test('has the current width of the terminal, or 80 columns', () => {
  const stream = { isTTY: true, columns: 120 };
  const terminal = describeTerminal(stream);
  stream.columns = 60;
  expect([terminal.width, describeTerminal({}).width]).toEqual([60, 80]);
});
