import { describe, expect, test } from 'vitest';
import { serializePosition } from './position.ts';
import { parseStreamState } from './stream-state.ts';

const TIE_BREAK = { row_hash: '18446744073709551615', rows: 3 };
const STATE = {
  version: 2,
  cursor: '2026-01-01T00:00:00Z',
  cursor_type: 'DateTime',
  tie_break: TIE_BREAK,
  hashed_columns: [['custom_id', 'String']],
};

/** Parses a state, and writes its position as it is stored. */
function parseAndSerialize(state: Record<string, unknown>): Record<string, unknown> {
  const { position, ...rest } = parseStreamState('events', state);
  return { ...rest, ...serializePosition(position) };
}

describe('a state is the same after it was parsed and serialized:', () => {
  test.each<[string, Record<string, unknown>]>([
    ['inside a group', STATE],
    [
      'of another cursor column, and of a partition',
      { ...STATE, cursor_column: 'at', partition: { index: 1, count: 4 } },
    ],
    ['after the last row of a response that ended', { ...STATE, tie_break: { ...TIE_BREAK, ended: true } }],
    ['after a group', { version: 2, cursor: '7', cursor_type: 'UInt64' }],
    ['before the first row', { version: 2, cursor: null, cursor_type: 'DateTime' }],
    ['with emitted rows after it', { ...STATE, recent_rows: { '2026-01-01T00:00:00': 'AAAAAAAAAAA' } }],
    ['with an empty cursor', { version: 2, cursor: '', cursor_type: 'String' }],
    ['before a group', { ...STATE, tie_break: { row_hash: '0', rows: 1 } }],
    ['with a hash of 0', { ...STATE, tie_break: { ...TIE_BREAK, row_hash: '0' } }],
  ])('%s', (_, state) => {
    expect(parseAndSerialize(state)).toEqual({ cursor_column: 'last_updated_at', ...state });
  });

  test('a position before a group has no row hash', () => {
    const { position } = parseStreamState('events', { ...STATE, tie_break: { row_hash: '0', rows: 1 } });
    expect(position).toEqual({ kind: 'before-group', cursor: STATE.cursor });
  });

  test('a state keeps no unknown keys', () => {
    expect(parseAndSerialize({ ...STATE, more: 2 })).toEqual({
      cursor_column: 'last_updated_at',
      ...STATE,
    });
  });
});

describe('rejects a state that this source did not write:', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['an empty state', {}, '(none)'],
    ['a state of another source', { last_updated_at: '2026-01-01' }, 'last_updated_at'],
    [
      "a state of Airbyte's own source",
      { version: 2, state_type: 'cursor_based', cursor: '1' },
      'version, state_type, cursor',
    ],
    ['a cursor that is a number', { ...STATE, cursor: 7 }, 'version, cursor, cursor_type, tie_break, hashed_columns'],
    ['no cursor', { version: 2, cursor_type: 'Date' }, 'version, cursor_type'],
    ['a type that is a number', { version: 2, cursor: '7', cursor_type: 7 }, 'version, cursor, cursor_type'],
    ['no type', { version: 2, cursor: '7' }, 'version, cursor'],
    [
      'a hash that is a number',
      { ...STATE, tie_break: { ...TIE_BREAK, row_hash: 7 } },
      'version, cursor, cursor_type, tie_break, hashed_columns',
    ],
    [
      'a hash with characters other than digits',
      { ...STATE, tie_break: { ...TIE_BREAK, row_hash: '1 OR 1' } },
      'version, cursor, cursor_type, tie_break, hashed_columns',
    ],
    [
      'a negative hash',
      { ...STATE, tie_break: { ...TIE_BREAK, row_hash: '-1' } },
      'version, cursor, cursor_type, tie_break, hashed_columns',
    ],
    [
      'a hash that is too long',
      { ...STATE, tie_break: { ...TIE_BREAK, row_hash: '1'.repeat(21) } },
      'version, cursor, cursor_type, tie_break, hashed_columns',
    ],
    [
      'an empty hash',
      { ...STATE, tie_break: { ...TIE_BREAK, row_hash: '' } },
      'version, cursor, cursor_type, tie_break, hashed_columns',
    ],
    [
      'a hash with no rows',
      { ...STATE, tie_break: { ...TIE_BREAK, rows: 0 } },
      'version, cursor, cursor_type, tie_break, hashed_columns',
    ],
    [
      'half a row',
      { ...STATE, tie_break: { ...TIE_BREAK, rows: 1.5 } },
      'version, cursor, cursor_type, tie_break, hashed_columns',
    ],
    [
      'columns of the hash without their types',
      { ...STATE, hashed_columns: ['custom_id'] },
      'version, cursor, cursor_type, tie_break, hashed_columns',
    ],
    [
      'invalid fingerprints',
      { ...STATE, recent_rows: { '2026-01-01T00:00:00': '"' } },
      'version, cursor, cursor_type, tie_break, hashed_columns, recent_rows',
    ],
    [
      'null for the tie break',
      { ...STATE, tie_break: null },
      'version, cursor, cursor_type, tie_break, hashed_columns',
    ],
  ])('%s', (_, state, keys) => {
    const parse = () => parseStreamState('events', state);
    expect(parse).toThrow(
      `The state of the stream "events" was not written by this source: it has the keys ${keys}. ` +
        'Use the state of the last run unchanged, or reset the stream to read it from its first row.',
    );
  });

  test.each([undefined, 1, 3])('a state of version %s', (version) => {
    const { version: _, ...withoutVersion } = STATE;
    expect(() => parseStreamState('events', version === undefined ? withoutVersion : { ...STATE, version })).toThrow(
      `The state of the stream "events" was written by another version of this source, which recognises rows differently (state version ${version ?? 1}, but this source reads version 2).`,
    );
  });

  test('as a config_error', () => {
    try {
      parseStreamState('events', {});
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ name: 'ConnectorError', failureType: 'config_error' });
    }
  });
});
