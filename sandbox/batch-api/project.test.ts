import { beforeEach, describe, expect, test } from 'vitest';
import type { Endpoint } from './call.ts';
import type { Limits } from './limits.ts';
import { Project } from './project.ts';

const start = Date.parse('2026-04-17T12:00:00Z');
let clock = start;
beforeEach(() => {
  clock = start;
});

function newProject(limits: Partial<Limits> = {}): Project {
  return new Project(limits, () => clock);
}

/** Creates a body with this many updates of one event each. */
function createBody(updates: number): string {
  return JSON.stringify(
    Array.from({ length: updates }, (_, index) => ({
      identifiers: { custom_id: `u${index}` },
      events: [{ name: 'a' }],
    })),
  );
}

function statuses(project: Project, calls: readonly number[], endpoint: Endpoint = 'update'): number[] {
  return calls.map((updates) => project.handle(endpoint, createBody(updates)).answer.status);
}

describe('refuses the whole call for', () => {
  const ok = { identifiers: { custom_id: 'u1' }, events: [{ name: 'a' }] };
  const refused: [string, string, string, Partial<Limits>][] = [
    ['nothing', '', 'MALFORMED_JSON_BODY', {}],
    ['broken JSON', '[{', 'MALFORMED_JSON_BODY', {}],
    ['endless nesting', `${'['.repeat(200_000)}12345678901234567890`, 'MALFORMED_JSON_BODY', {}],
    ['an object', JSON.stringify(ok), 'MALFORMED_PARAMETER', {}],
    ['an empty array', '[]', 'MALFORMED_PARAMETER', {}],
    ['201 updates', createBody(201), 'MALFORMED_PARAMETER', {}],
    ['an update that is not an object', JSON.stringify([ok, null]), 'MALFORMED_PARAMETER', {}],
    ['no identifiers', JSON.stringify([ok, {}]), 'MISSING_PARAMETER', { badIdentifiers: 'call' }],
    ['wrong identifiers', JSON.stringify([ok, { identifiers: 1 }]), 'MALFORMED_PARAMETER', { badIdentifiers: 'call' }],
    [
      '16 events',
      JSON.stringify([ok, { ...ok, events: Array(16).fill({ name: 'a' }) }]),
      'MALFORMED_PARAMETER',
      { tooManyEvents: 'call' },
    ],
  ];
  test.each(refused)('%s', (_, body, code, limits) => {
    const project = newProject(limits);
    const { answer } = project.handle('update', body);
    expect(answer).toEqual({ status: 400, code, message: expect.any(String) });
    expect(project.store.eventCount).toBe(0);
    expect(project.stats.tokens.update).toEqual({ left: 1_000, used: 0 });
  });
});

test('accepts calls of the maximum size', () => {
  expect(statuses(newProject(), [1, 200])).toEqual([202, 202]);
  expect(statuses(newProject(), [10_000], 'mass-update')).toEqual([202]);
  expect(statuses(newProject(), [10_001], 'mass-update')).toEqual([400]);
});

test('by default, drops only the invalid update', () => {
  const project = newProject();
  const bad = [
    {},
    { identifiers: { custom_id: '' } },
    { identifiers: { custom_id: 'u1' }, events: Array(16).fill({}) },
  ];
  const good = { identifiers: { custom_id: 'u2' }, events: [{ name: 'a' }] };
  const { answer } = project.handle('update', JSON.stringify([...bad, good]));
  expect(answer).toEqual({
    status: 202,
    errors: [
      { bulk_index: 0, category: 'identifiers', reason: expect.any(String) },
      { bulk_index: 1, category: 'identifiers', reason: expect.any(String) },
      { bulk_index: 2, category: 'update', reason: expect.any(String) },
    ],
  });
  expect([...project.store.events()].map(({ custom_id }) => custom_id)).toEqual(['u2']);
  expect(project.stats).toMatchObject({
    updates_accepted: 1,
    updates_refused: 3,
    events_accepted: 1,
    events_refused: 16,
    partial_errors: 3,
  });
});

describe('the rate', () => {
  test('of update allows five full calls at once, then refills', () => {
    const project = newProject();
    expect(statuses(project, [200, 200, 200, 200, 200, 1])).toEqual([202, 202, 202, 202, 202, 429]);
    clock += 667;
    expect(statuses(project, [200, 1])).toEqual([202, 429]);
  });

  test('of mass-update is separate', () => {
    const project = newProject();
    expect(statuses(project, [10_000, 1], 'mass-update')).toEqual([202, 429]);
    expect(statuses(project, [200])).toEqual([202]);
    clock += 1_000;
    expect(statuses(project, [10_000], 'mass-update')).toEqual([202]);
  });

  test('a 429 uses no tokens and stores nothing', () => {
    const project = newProject({ updateBurst: 10 });
    expect(statuses(project, [6, 6, 4])).toEqual([202, 429, 202]);
    expect(project.store.eventCount).toBe(10);
    expect(project.stats).toMatchObject({ calls_accepted: 2, tokens: { update: { left: 0, used: 10 } } });
  });

  test('two updates of one custom id cost two tokens', () => {
    const project = newProject();
    const update = { identifiers: { custom_id: 'u1' }, events: [{ name: 'a' }] };
    project.handle('update', JSON.stringify([update, update]));
    expect(project.stats.tokens.update).toEqual({ left: 998, used: 2 });
    expect(project.stats.calls_repeating_a_custom_id).toBe(1);
    expect(project.store.eventCount).toBe(2);
  });

  test('an update with many events costs one token, and so does a dropped update', () => {
    const project = newProject();
    const events = Array(15).fill({ name: 'a' });
    project.handle('update', JSON.stringify([{ identifiers: { custom_id: 'u1' }, events }, {}]));
    expect(project.stats.tokens.update.used).toBe(2);
  });

  test('returns retry-after only if the limits say so, in whole seconds', () => {
    const refusal = { status: 429, code: 'TOO_MANY_REQUESTS', message: expect.any(String) };
    const silent = newProject({ updateBurst: 100 });
    silent.handle('update', createBody(100));
    expect(silent.handle('update', createBody(1)).answer).toEqual(refusal);

    const telling = newProject({ updateBurst: 100, updateRate: 40, retryAfter: 'seconds' });
    telling.handle('update', createBody(100));
    expect(telling.handle('update', createBody(1)).answer).toEqual({ ...refusal, retryAfterSeconds: 1 });
    expect(telling.handle('update', createBody(100)).answer).toEqual({ ...refusal, retryAfterSeconds: 3 });
    expect(telling.handle('update', createBody(101)).answer).toEqual(refusal);
  });
});

test('limits change between calls', () => {
  const project = newProject();
  project.changeLimits({ updateCallMax: 5, updateBurst: 7 });
  expect(statuses(project, [6, 5, 5])).toEqual([400, 202, 429]);
});

test('a reset deletes events and stats, and fills the buckets', () => {
  const project = newProject();
  const fresh = project.stats;
  statuses(project, [200]);
  statuses(project, [200], 'mass-update');
  project.reset();
  expect(project.stats).toEqual(fresh);
  expect(project.store.eventCount).toBe(0);
});

test('the stats count accepted and refused updates, events and attributes', () => {
  const project = newProject();
  const events = [{ name: 'a', attributes: { b: '', c: null } }, { name: 'B' }];
  project.handle(
    'update',
    JSON.stringify([{ identifiers: { custom_id: 'u1' }, events, attributes: { d: '', e: null, f: 1 } }]),
  );
  statuses(project, [3]);
  expect(project.stats).toEqual({
    calls_accepted: 2,
    updates_accepted: 4,
    updates_refused: 0,
    events_accepted: 4,
    events_refused: 1,
    profile_attributes_accepted: 2,
    attributes_refused: 3,
    partial_errors: 4,
    largest_call: 3,
    smallest_call: 1,
    calls_repeating_a_custom_id: 0,
    tokens: { update: { left: 996, used: 4 }, 'mass-update': { left: 10_000, used: 0 } },
  });
});

test('reports an attribute whose type changes only if the limits say so', () => {
  const body = (number: string): string =>
    `[{"identifiers":{"custom_id":"u"},"attributes":{"a":${number}},"events":[{"name":"e","attributes":{"b":{"c":${number}}}}]}]`;
  const [quiet, strict] = [newProject(), newProject({ typeChange: 'refuse' })];
  for (const project of [quiet, strict]) project.handle('update', body('1'));
  expect(quiet.handle('update', body('1.0')).answer).toEqual({ status: 202, errors: [] });
  const reason = 'a float, and it was an integer before';
  expect(strict.handle('update', body('1.0')).answer).toEqual({
    status: 202,
    errors: [
      { bulk_index: 0, category: 'attribute', attribute: 'a', reason },
      { bulk_index: 0, category: 'attribute', attribute: 'b.c', reason: `${reason} (in events[0])` },
    ],
  });
  expect([...strict.store.profiles.values()][0]?.attributes.get('a')).toBe(1);
  expect([...quiet.store.events()].at(-1)?.json).toContain('"c":1.0');
});

describe('an injected error', () => {
  const partial = { kind: 'partial', bulk_index: 1, category: 'odd', reason: 'so', times: 1 } as const;
  const event = { name: 'a', attributes: { b: 1, items: [{ c: 1 }, { c: 2, d: 3 }], tags: ['x', 'y'] } };
  const update = { identifiers: { custom_id: 'u' }, attributes: { b: 1 }, events: [event, event] };
  const body = JSON.stringify([update, update]);

  function handled(attribute?: string) {
    const project = newProject();
    const fault = attribute === undefined ? partial : { ...partial, attribute };
    const { answer } = project.handle('update', body, { partials: [fault] });
    return { project, answer, last: [...project.store.events()].at(-1)?.json };
  }

  test('drops its update', () => {
    const { answer, project } = handled();
    expect(answer).toEqual({ status: 202, errors: [{ bulk_index: 1, category: 'odd', reason: 'so' }] });
    expect(project.stats).toMatchObject({ updates_refused: 1, events_accepted: 2, events_refused: 2 });
  });

  test.each([
    ['b', '{"name":"a","attributes":{"items":[{"c":1},{"c":2,"d":3}],"tags":["x","y"]}}'],
    ['items[1].c', '{"name":"a","attributes":{"b":1,"items":[{"c":1},{"d":3}],"tags":["x","y"]}}'],
    ['tags[0]', '{"name":"a","attributes":{"b":1,"items":[{"c":1},{"c":2,"d":3}],"tags":["y"]}}'],
    ['absent[3].x', JSON.stringify(event)],
  ])('drops only the attribute %s', (attribute, json) => {
    const { answer, last, project } = handled(attribute);
    expect(answer).toEqual({ status: 202, errors: [{ bulk_index: 1, category: 'odd', attribute, reason: 'so' }] });
    expect(last).toBe(json);
    expect(project.stats).toMatchObject({ events_accepted: 4, attributes_refused: 1 });
  });

  test('is only reported if the call has no such update', () => {
    const project = newProject();
    const { answer } = project.handle('update', body, { partials: [{ ...partial, bulk_index: 2 }] });
    expect(answer).toEqual({ status: 202, errors: [{ bulk_index: 2, category: 'odd', reason: 'so' }] });
    expect(project.store.eventCount).toBe(4);
  });
});
