import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { messageOf } from '../../protocol/errors.ts';
import { readStateFile } from '../../protocol/state.ts';
import { FileStateStore } from './file-store.ts';
import { SyncState } from './sync-state.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-file-test-'));
  path = join(folder, 'state.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(): Promise<SyncState> {
  return SyncState.open(new FileStateStore(path));
}

/** A state with an unknown key, and with numbers that JavaScript would change. */
function state(name: string, cursor: string): string {
  return `{"type":"STREAM","stream":{"stream_descriptor":{"name":"${name}","namespace":"shop"},"stream_state":{"cursor":"${cursor}","cursor_column":"id","big":9007199254740993}},"sourceStats":{"recordCount":2.0},"id":1e3}`;
}

function message(text: string): string {
  return `{"type":"STATE","state":${text}}`;
}

describe('a state', () => {
  test('is saved with every digit and key, and replaces only the last one of its stream', async () => {
    const file = await open();
    expect(file.text).toBeUndefined();
    file.put('events', message(state('events', '1')));
    file.put('orders', message(state('orders', '5')));
    await file.save();
    file.put('events', message(state('events', '2')));
    expect(file.describePositions()).toEqual(['events: id 1', 'orders: id 5']);
    await file.save();
    expect(readFileSync(path, 'utf8')).toBe(`[\n${state('events', '2')},\n${state('orders', '5')}\n]\n`);
    expect(file.describePositions()).toEqual(['events: id 2', 'orders: id 5']);
  });

  test('of a stream that is not synced is kept, however the file was formatted', async () => {
    writeFileSync(path, `[${message(state('orders', '5'))},\n ${state('events', '1')}, ${state('events', '2')}]`);
    const file = await open();
    file.put('["shop","orders"]', message(state('orders', '6')));
    await file.save();
    expect(readFileSync(path, 'utf8')).toBe(`[\n${state('orders', '6')},\n${state('events', '2')}\n]\n`);
    const read = await readStateFile(path);
    expect(read.of({ name: 'orders' }, 'shop')).toMatchObject({ cursor: '6' });
  });

  test('without a cursor has a position if its rows are inside the lookback', async () => {
    const descriptor = (name: string): unknown => ({ stream_descriptor: { name, namespace: 'shop' } });
    const stateOf = (name: string, more: object): unknown => ({
      type: 'STREAM',
      stream: { ...Object(descriptor(name)), stream_state: { cursor: null, cursor_column: 'id', ...more } },
    });
    const recent_rows = { '2026-01-01T00:00:00': 'AAAAAAAAAAA' };
    writeFileSync(path, JSON.stringify([stateOf('fresh', { recent_rows }), stateOf('empty', {})]));
    const file = await open();
    expect(file.describePositions()).toEqual(['fresh: the rows that were read inside the lookback']);
  });

  test('is readable only by its owner', async () => {
    writeFileSync(path, '[]', { mode: 0o644 });
    await (await open()).save();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

describe('a file', () => {
  test.each(['[]', '{}'])('with %j starts a first run', async (text) => {
    writeFileSync(path, text);
    const file = await open();
    expect([file.text, file.describePositions()]).toEqual([text, []]);
  });

  test.each(['', '\n', '[', '{"a":1}', '[1]', '[{"type":"GLOBAL"}]'])(
    'with %j is refused before anything is sent',
    async (text) => {
      writeFileSync(path, text);
      await expect(open()).rejects.toMatchObject({ code: 'state_invalid', failureType: 'config_error' });
    },
  );

  test('that is rejected causes a message that does not suggest leaving out --state', async () => {
    writeFileSync(path, '[');
    const message = await open().then(() => '', messageOf);
    expect(message).toContain(`The state file ${path} `);
    expect(message).toMatch(/Restore it from a backup\. If you move it away instead, .* all rows again/);
    expect(message).not.toContain('--state');
  });

  test('that is unreadable is reported as such', async () => {
    mkdirSync(path);
    await expect(open()).rejects.toMatchObject({ code: 'file_unreadable' });
  });

  test.each([
    ['changed', () => writeFileSync(path, '[ ]')],
    ['removed', () => rmSync(path)],
  ])('that another process has %s is kept', async (_, change) => {
    writeFileSync(path, '[]');
    const file = await open();
    await file.save();
    change();
    const before = contentOf(path);
    file.put('events', message(state('events', '1')));
    await expect(file.save()).rejects.toThrow(/was changed by another process/);
    expect(contentOf(path)).toBe(before);
  });

  test('that another process has created is kept', async () => {
    const file = await open();
    writeFileSync(path, '[]');
    await expect(file.save()).rejects.toThrow(/was changed by another process/);
    expect(contentOf(path)).toBe('[]');
  });

  test('that can no longer be written causes state_file_unwritable', async () => {
    const file = await open();
    rmSync(folder, { recursive: true });
    await expect(file.save()).rejects.toMatchObject({
      failureType: 'transient_error',
      message: expect.stringMatching(
        /^Can't write the state file .*: no such file or directory\. .* Free some space and run again/,
      ),
    });
  });
});

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
