import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { syncError } from '../../runner/errors.ts';
import type { StateMessage } from '../../runner/messages.ts';
import { StateSaver } from './saver.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function state(line: string): StateMessage {
  return { kind: 'state', key: 'events', line, accepted: 2, rejected: 1 };
}

/** A file whose saves can be made to fail. Returns what was saved. */
function fakeFile(): {
  file: ConstructorParameters<typeof StateSaver>[0];
  saved: string[];
  fail: (on: boolean) => void;
} {
  let line = '';
  let fails = false;
  const saved: string[] = [];
  const file = {
    put: (_: string, message: string) => {
      line = message;
    },
    save: async () => {
      if (fails) throw syncError('state_file_unwritable', 'The disk is full.');
      saved.push(line);
    },
  };
  return { file, saved, fail: (on) => (fails = on) };
}

test('saves the first state at once, the following ones once a second, and the last one in any case', async () => {
  const { file, saved } = fakeFile();
  const saver = new StateSaver(file, () => {});
  saver.put(state('1'));
  await vi.advanceTimersByTimeAsync(0);
  expect(saved).toEqual(['1']);
  for (const line of ['2', '3', '4']) {
    saver.put(state(line));
    await vi.advanceTimersByTimeAsync(300);
  }
  expect(saved).toEqual(['1']);
  await vi.advanceTimersByTimeAsync(100);
  expect(saved).toEqual(['1', '4']);
  expect(saver.savedRows).toBe(12);
  saver.put(state('5'));
  expect(await saver.close()).toBeUndefined();
  expect(saved).toEqual(['1', '4', '5']);
  expect(saver.savedRows).toBe(15);
  expect(vi.getTimerCount()).toBe(0);
});

test('does not delay a state when the clock is set back', async () => {
  const { file, saved } = fakeFile();
  const saver = new StateSaver(file, () => {});
  saver.put(state('1'));
  await vi.advanceTimersByTimeAsync(0);
  vi.setSystemTime(Date.now() - 3_600_000);
  saver.put(state('2'));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(saved).toEqual(['1', '2']);
  await saver.close();
});

test('a failed save ends the run as failed, even if the last save succeeds', async () => {
  const { file, saved, fail } = fakeFile();
  const onError = vi.fn();
  const saver = new StateSaver(file, onError);
  saver.put(state('1'));
  await vi.advanceTimersByTimeAsync(0);
  fail(true);
  for (const line of ['2', '3']) {
    saver.put(state(line));
    await vi.advanceTimersByTimeAsync(5_000);
  }
  expect([saver.savedRows, onError.mock.calls.length]).toEqual([3, 1]);
  fail(false);
  expect((await saver.close())?.message).toBe('The disk is full.');
  expect([saved, saver.savedRows]).toEqual([['1', '3'], 9]);
});

test('saves nothing without a state', async () => {
  const { file, saved } = fakeFile();
  await new StateSaver(file, () => {}).close();
  expect(saved).toEqual([]);
});
