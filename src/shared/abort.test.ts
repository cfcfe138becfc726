import { describe, expect, test } from 'vitest';
import { abortWithAny } from './abort.ts';

describe('a signal that is aborted with any of several', () => {
  test.each([0, 1])('is aborted with signal %i, for the same reason', (index) => {
    const parts = [new AbortController(), new AbortController()];
    const signal = abortWithAny(...parts.map((part) => part.signal));
    expect(signal.aborted).toBe(false);
    const reason = new Error('the reader is gone');
    parts[index]?.abort(reason);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBe(reason);
    parts[1 - index]?.abort(new Error('later'));
    expect(signal.reason).toBe(reason);
  });

  test('is aborted from the start if one of them is', () => {
    const signal = abortWithAny(new AbortController().signal, AbortSignal.abort('too late'));
    expect([signal.aborted, signal.reason]).toEqual([true, 'too late']);
  });
});
