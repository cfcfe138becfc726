import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { Signal, serial } from './async.ts';

test('notify wakes every wait that has begun, and none that begins later', async () => {
  const signal = new Signal();
  signal.notify();
  const woken: string[] = [];
  const first = signal.wait().then(() => woken.push('first'));
  const second = signal.wait().then(() => woken.push('second'));
  signal.notify();
  const later = signal.wait().then(() => woken.push('later'));
  await Promise.all([first, second]);
  expect(woken).toEqual(['first', 'second']);
  signal.notify();
  await later;
});

test('an abort ends a wait, also one that begins after it', async () => {
  const abort = new AbortController();
  const signal = new Signal();
  const wait = signal.wait(abort.signal);
  abort.abort();
  await wait;
  await signal.wait(abort.signal);
});

test('a wait that was notified does not listen to its abort signal any more', async () => {
  const abort = new AbortController();
  const signal = new Signal();
  const wait = signal.wait(abort.signal);
  signal.notify();
  await wait;
  expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
});

test('serial runs works one after another, in order', async () => {
  const inTurn = serial();
  const events: string[] = [];
  const work = (name: string) => async (): Promise<string> => {
    events.push(`${name} begins`);
    await Promise.resolve();
    events.push(`${name} ends`);
    return name;
  };
  expect(await Promise.all([inTurn(work('a')), inTurn(work('b'))])).toEqual(['a', 'b']);
  expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test('serial runs the next work after one that failed', async () => {
  const inTurn = serial();
  const failed = inTurn(() => Promise.reject(new Error('failed')));
  const next = inTurn(async () => 'next');
  await expect(failed).rejects.toThrow('failed');
  expect(await next).toBe('next');
});
