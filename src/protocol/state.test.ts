import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConnectorError } from './errors.ts';
import { type InputState, readStateFile } from './state.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function readText(text: string): Promise<InputState> {
  const path = join(folder, 'state.json');
  writeFileSync(path, text);
  return readStateFile(path);
}

function read(state: unknown): Promise<InputState> {
  return readText(JSON.stringify(state));
}

const EVENTS = { name: 'events', namespace: 'shop' };

/** A STREAM state as in a state file. */
function streamState(state: unknown, descriptor: Record<string, unknown> = EVENTS): Record<string, unknown> {
  return { type: 'STREAM', stream: { stream_descriptor: descriptor, stream_state: state } };
}

describe('a first run', () => {
  test('has no state file', async () => {
    expect((await readStateFile(undefined)).of(EVENTS, 'shop')).toBeUndefined();
  });

  test.each([
    ['is empty', ''],
    ['holds blanks', ' \r\n\t\n'],
    ['is an empty list', '[]'],
    ['is an empty object', ' {} '],
    ['is null', 'null'],
  ])('has one that %s', async (_, text) => {
    expect((await readText(text)).of(EVENTS, 'shop')).toBeUndefined();
  });
});

describe('a state is found', () => {
  const cursor = { cursor: '9007199254740993', nested: { list: [1, null] } };

  test.each<[string, unknown]>([
    ['in a list', [streamState(cursor)]],
    ['without a list', streamState(cursor)],
    ['in its message, in a list', [{ type: 'STATE', state: streamState(cursor) }]],
    ['in its message, without a list', { type: 'STATE', state: streamState(cursor) }],
    [
      'in the message of the last sync, with what the platform and the destination added',
      [
        {
          type: 'STATE',
          state: {
            ...streamState(cursor),
            id: 7,
            data: null,
            sourceStats: { recordCount: 12 },
            destinationStats: { recordCount: 11, rejectedRecordCount: 1 },
          },
        },
      ],
    ],
    [
      'among those of other streams',
      [streamState({}, { name: 'other' }), streamState(cursor), streamState({}, { name: 'x' })],
    ],
    ['next to a message', [{ type: 'STATE', state: streamState({}, { name: 'other' }) }, streamState(cursor)]],
    ['without a namespace', [streamState(cursor, { name: 'events' })]],
    ['with null for the namespace', [streamState(cursor, { name: 'events', namespace: null })]],
    ['with its namespace, before those without', [streamState(cursor), streamState({}, { name: 'events' })]],
    ['last of several, which counts', [streamState({ cursor: '1' }), streamState(cursor)]],
    [
      'last of several without a namespace',
      [streamState({ cursor: '1' }, { name: 'events' }), streamState(cursor, { name: 'events', namespace: null })],
    ],
  ])('%s', async (_, state) => {
    expect((await read(state)).of(EVENTS, 'shop')).toEqual(cursor);
  });
});

describe('there is no state', () => {
  test.each<[string, unknown]>([
    ['of a stream that is not in the file', [streamState({}, { name: 'other', namespace: 'shop' })]],
    ['of the same name in another namespace', [streamState({}, { name: 'events', namespace: 'other' })]],
    ['of a name that differs in case', [streamState({}, { name: 'Events', namespace: 'shop' })]],
    ['of a stream that was reset', [streamState(null)]],
    ['of a stream whose state is an empty object, which Airbyte writes for none', [streamState({})]],
    [
      'of a stream that was reset with an empty object after it was read',
      [streamState({ cursor: '1' }), streamState({})],
    ],
    ['of a stream whose state is missing', [{ type: 'STREAM', stream: { stream_descriptor: EVENTS } }]],
    ['of a stream that was reset after it was read', [streamState({ cursor: '1' }), streamState(null)]],
    [
      'of a stream that was reset, also when an older one without a namespace is there',
      [streamState({ cursor: '1' }, { name: 'events' }), streamState(null)],
    ],
  ])('%s', async (_, state) => {
    expect((await read(state)).of(EVENTS, 'shop')).toBeUndefined();
  });
});

describe('uses the default namespace for a stream without one', () => {
  const unnamed = { name: 'events' };

  test.each<[string, unknown]>([
    ['with a namespace in the state', [streamState({ cursor: '1' })]],
    ['without one in the state', [streamState({ cursor: '1' }, unnamed)]],
    ['with null in the state', [streamState({ cursor: '1' }, { name: 'events', namespace: null })]],
    [
      'as the catalog names it, before the other form',
      [streamState({ cursor: '1' }, unnamed), streamState({ cursor: '2' })],
    ],
  ])('%s', async (_, state) => {
    expect((await read(state)).of(unnamed, 'shop')).toEqual({ cursor: '1' });
  });

  test('and not one in another namespace', async () => {
    expect((await read([streamState({ cursor: '1' })])).of(unnamed, 'other')).toBeUndefined();
  });
});

describe('rejects an unknown state with a config_error:', () => {
  test.each<[string, unknown]>([
    ['a GLOBAL state', [{ type: 'GLOBAL', global: { stream_states: [] } }]],
    ['a state of another kind with a stream in it', [{ ...streamState({}), type: 'GLOBAL' }]],
    ['a LEGACY state', { type: 'LEGACY', data: { cursor: '1' } }],
    ['a LEGACY state without a type', { data: { cursor: '1' } }],
    ['a bare object of another connector', { events: { cursor: '1' } }],
    ['a state without a type', [{ stream: { stream_descriptor: EVENTS, stream_state: {} } }]],
    ['a stream without a descriptor', [{ type: 'STREAM', stream: { stream_state: {} } }]],
    ['a descriptor without a name', [streamState({}, {})]],
    ['a name that is a number', [streamState({}, { name: 7 })]],
    ['a state that is a string', [streamState('2026-01-01')]],
    ['a state that is a list', [streamState([1])]],
    ['a GLOBAL state among good ones', [streamState({}), { type: 'GLOBAL', global: {} }]],
    ['a message of another kind', [{ type: 'RECORD', record: { stream: 'events', data: {} } }]],
    ['a message with a GLOBAL state', [{ type: 'STATE', state: { type: 'GLOBAL', global: {} } }]],
    ['a text', 'events'],
    ['a number', 7],
    ['a list of nothing', [null]],
    ['a list in a list', [[streamState({})]]],
  ])('%s', async (_, state) => {
    const reading = read(state);
    await expect(reading).rejects.toBeInstanceOf(ConnectorError);
    await expect(reading).rejects.toMatchObject({ failureType: 'config_error' });
    await expect(reading).rejects.toThrow(
      /^The state in .+state\.json is not a list of STREAM states\. .+Pass the STATE messages of the last run unchanged\. .+leave out --state or pass \[\]\.$/,
    );
  });

  test('a file that is not JSON', async () => {
    const reading = readText('[{"type":"STREAM","stre');
    await expect(reading).rejects.toMatchObject({ name: 'ConnectorError', failureType: 'config_error' });
    await expect(reading).rejects.toThrow(/^The state file .+state\.json is not valid JSON: line 1, column 24\./);
  });

  test('a file that does not exist', async () => {
    const reading = readStateFile(join(folder, 'none.json'));
    await expect(reading).rejects.toMatchObject({ name: 'ConnectorError', failureType: 'config_error' });
    await expect(reading).rejects.toThrow(/^Can't read the state file .+none\.json: no such file or directory\./);
  });
});
