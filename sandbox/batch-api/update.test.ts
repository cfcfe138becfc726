import { describe, expect, test } from 'vitest';
import type { JsonObject } from './json.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { judgeUpdate } from './update.ts';

const context = { limits: DEFAULT_LIMITS, now: Date.parse('2026-04-17T12:00:00Z'), print: JSON.stringify };
const identifiers = { custom_id: 'u1' };

test('keeps a valid update completely, with its events in order', () => {
  const update = { identifiers, attributes: { plan: 'free' }, events: [{ name: 'a' }, { name: 'b' }] };
  expect(judgeUpdate(update, 0, context)).toEqual({
    kept: {
      customId: 'u1',
      attributes: { plan: 'free' },
      events: [
        { name: 'a', json: '{"name":"a"}' },
        { name: 'b', json: '{"name":"b"}' },
      ],
    },
    errors: [],
    eventsRefused: 0,
    attributesRefused: 0,
  });
});

test('accepts an update with only identifiers', () => {
  expect(judgeUpdate({ identifiers }, 0, context).kept).toEqual({ customId: 'u1', attributes: {}, events: [] });
});

test('accepts an update with 15 events', () => {
  const update = { identifiers, events: Array(15).fill({ name: 'a' }) };
  expect(judgeUpdate(update, 0, context).kept?.events).toHaveLength(15);
});

describe('drops the whole update, with one error, for', () => {
  const events = [{ name: 'a' }, { name: 'b' }];
  const badOnes: [string, JsonObject, string, number][] = [
    ['no identifiers', { events }, 'identifiers', 2],
    ['an empty custom id', { identifiers: { custom_id: '' }, events }, 'identifiers', 2],
    ['16 events', { identifiers, events: Array(16).fill({ name: 'a' }) }, 'update', 16],
    ['events that are not an array', { identifiers, events: { name: 'a' } }, 'update', 0],
    ['null events', { identifiers, events: null }, 'update', 0],
    ['attributes that are not an object', { identifiers, attributes: [], events }, 'update', 2],
    ['a key that is not documented', { identifiers, event: events }, 'update', 0],
  ];
  test.each(badOnes)('%s', (_, update, category, eventsRefused) => {
    expect(judgeUpdate(update, 7, context)).toEqual({
      kept: undefined,
      errors: [{ bulk_index: 7, category, reason: expect.any(String) }],
      eventsRefused,
      attributesRefused: 0,
    });
  });
});

test('drops only the invalid event, and the reason begins with its index', () => {
  const verdict = judgeUpdate({ identifiers, events: [{ name: 'a' }, { name: 'b' }, { name: 'C' }] }, 3, context);
  expect(verdict.kept?.events.map(({ json }) => json)).toEqual(['{"name":"a"}', '{"name":"b"}']);
  expect(verdict.errors).toEqual([
    { bulk_index: 3, category: 'event', reason: expect.stringMatching(/^events\[2\]: name does not match/) },
  ]);
  expect(verdict.eventsRefused).toBe(1);
});

test('reports two errors for an event with two problems, and counts one event', () => {
  const verdict = judgeUpdate({ identifiers, events: [{ name: 'A', time: 'today' }] }, 0, context);
  expect(verdict.errors.map(({ reason }) => reason.slice(0, 11))).toEqual(['events[0]: ', 'events[0]: ']);
  expect(verdict.eventsRefused).toBe(1);
});

test('drops only the invalid attribute of a profile or an event, and reports its path', () => {
  const events = [{ name: 'a' }, { name: 'b', attributes: { items: [{ name: '', size: 'M' }] } }];
  const verdict = judgeUpdate({ identifiers, attributes: { plan: '', is_vip: true }, events }, 1, context);
  expect(verdict.kept).toEqual({
    customId: 'u1',
    attributes: { is_vip: true },
    events: [
      { name: 'a', json: '{"name":"a"}' },
      { name: 'b', json: '{"name":"b","attributes":{"items":[{"size":"M"}]}}' },
    ],
  });
  expect(verdict.errors).toEqual([
    { bulk_index: 1, category: 'attribute', attribute: 'plan', reason: 'a blank string' },
    { bulk_index: 1, category: 'attribute', attribute: 'items[0].name', reason: 'a blank string (in events[1])' },
  ]);
  expect(verdict.attributesRefused).toBe(2);
});
