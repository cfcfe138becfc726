import { describe, expect, test } from 'vitest';
import { judgeEvent } from './event.ts';
import type { Json } from './json.ts';
import { changedLimits, DEFAULT_LIMITS } from './limits.ts';

const now = Date.parse('2026-04-17T12:00:00Z');
const context = { limits: DEFAULT_LIMITS, now, print: JSON.stringify };

/** Creates an event whose JSON has this many bytes, with strings that are each short enough. */
function eventOfBytes(bytes: number): Json {
  const items = Array.from({ length: 20 }, () => ({ a: 'x'.repeat(300), b: 'x'.repeat(300), c: 'x'.repeat(300) }));
  const event = { name: 'big', attributes: { items, more: items.slice(0, 5), pad: ['x'] } };
  const missing = bytes - JSON.stringify(event).length;
  const pads = Array.from({ length: Math.floor(missing / 303) }, () => 'x'.repeat(300));
  event.attributes.pad = [`x${'x'.repeat(missing % 303)}`, ...pads];
  return event;
}

describe('keeps', () => {
  const goodOnes: [string, Json][] = [
    ['only a name', { name: 'purchase' }],
    ['a name of 30 characters', { name: 'a'.repeat(30) }],
    ['a name of a digit', { name: '1' }],
    ['a time just now', { name: 'a', time: '2026-04-17T12:00:00Z' }],
    ['a time 24 hours ago', { name: 'a', time: '2026-04-16T12:00:00Z' }],
    ['a time within the tolerance of the future', { name: 'a', time: '2026-04-17T12:00:01Z' }],
    ['a time with a fraction', { name: 'a', time: '2026-04-17T11:59:59.123456789Z' }],
    ['no attributes', { name: 'a', attributes: {} }],
    ['25,000 bytes', eventOfBytes(25_000)],
  ];
  test.each(goodOnes)('%s', (_, event) => {
    expect(judgeEvent(event, context)).toEqual({
      isKept: true,
      event: { name: expect.any(String), json: JSON.stringify(event) },
      problems: [],
    });
  });
});

describe('drops', () => {
  const badOnes: [string, Json, RegExp][] = [
    ['null', null, /^not an object/],
    ['a string', 'purchase', /^not an object/],
    ['an array', [], /^not an object/],
    ['no name', { time: '2026-04-17T12:00:00Z' }, /name is missing/],
    ['an empty name', { name: '' }, /name does not match/],
    ['a name of 31 characters', { name: 'a'.repeat(31) }, /name does not match/],
    ['a name in upper case', { name: 'Purchase' }, /name does not match/],
    ['a name with a dot', { name: 'ue.added' }, /name does not match/],
    ['a name that is a number', { name: 1 }, /name does not match/],
    ['a null name', { name: null }, /name does not match/],
    ['a time over 24 hours ago', { name: 'a', time: '2026-04-16T11:59:59.999Z' }, /time is over 24 hours ago/],
    ['a time in the future', { name: 'a', time: '2026-04-17T12:00:01.001Z' }, /time is in the future/],
    ['a time with an offset', { name: 'a', time: '2026-04-17T12:00:00+00:00' }, /time is not an RFC 3339/],
    ['a time with a space', { name: 'a', time: '2026-04-17 12:00:00Z' }, /time is not an RFC 3339/],
    ['a null time', { name: 'a', time: null }, /time is not an RFC 3339/],
    ['a time that is a number', { name: 'a', time: now }, /time is not an RFC 3339/],
    ['attributes that are an array', { name: 'a', attributes: [] }, /attributes are not an object/],
    ['null attributes', { name: 'a', attributes: null }, /attributes are not an object/],
    ['25,001 bytes', eventOfBytes(25_001), /25001 bytes, at most 25000/],
    ['a key that is not documented', { name: 'a', id: '1' }, /unknown: id/],
  ];
  test.each(badOnes)('%s', (_, event, reason) => {
    expect(judgeEvent(event, context)).toEqual({ isKept: false, reasons: [expect.stringMatching(reason)] });
  });
});

test('counts bytes, not characters', () => {
  const event = { name: 'a', attributes: { a: 'é'.repeat(100) } };
  const limits = changedLimits(DEFAULT_LIMITS, { eventBytes: JSON.stringify(event).length });
  expect(judgeEvent(event, { ...context, limits }).isKept).toBe(false);
});

test('reports each problem of an event', () => {
  const verdict = judgeEvent({ name: 'A', time: 'today' }, context);
  expect(verdict).toEqual({
    isKept: false,
    reasons: [expect.stringContaining('name'), expect.stringContaining('time')],
  });
});

describe('an invalid attribute', () => {
  const event = { name: 'a', attributes: { b: '', c: { d: null, e: 1 } } };

  test('is dropped from its event', () => {
    expect(judgeEvent(event, context)).toEqual({
      isKept: true,
      event: { name: 'a', json: '{"name":"a","attributes":{"c":{"e":1}}}' },
      problems: [
        { path: 'b', reason: expect.any(String) },
        { path: 'c.d', reason: expect.any(String) },
      ],
    });
  });

  test('drops its event if the limits say so', () => {
    const limits = changedLimits(DEFAULT_LIMITS, { badAttribute: 'event' });
    expect(judgeEvent(event, { ...context, limits })).toEqual({
      isKept: false,
      reasons: [expect.stringMatching(/^attributes\.b: /), expect.stringMatching(/^attributes\.c\.d: /)],
    });
  });
});
