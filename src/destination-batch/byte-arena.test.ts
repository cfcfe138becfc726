import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyText } from '../../sandbox/any-text.ts';
import { ByteArena, type ItemNumber, type Slab } from './byte-arena.ts';

const SLAB_BYTES = 64 * 1024;
const QUESTION_MARK = 0x3f;

/** An event, and where its bytes are. */
type Added = { event: ItemNumber; slab: Slab; start: number; end: number };

/** Writes an event to exactly as many reserved bytes as it has, and adds it. */
function add(arena: ByteArena, json: string): Added {
  const bytes = Buffer.from(json);
  const slab = arena.reserve(bytes.length);
  const start = slab.used;
  const end = start + bytes.copy(slab.bytes, start);
  return { event: arena.commit(slab, start, end), slab, start, end };
}

/** Adds an event given as a string. */
function addText(arena: ByteArena, json: string): Added {
  const [slab, start, end] = arena.write(json);
  return { event: arena.commit(slab, start, end), slab, start, end };
}

/** Adds events of this size until the next one would need another slab. */
function fill(arena: ByteArena, bytes: number, letter = 'x'): Added[] {
  return Array.from({ length: Math.floor(SLAB_BYTES / bytes) }, () => add(arena, letter.repeat(bytes)));
}

const slabsOf = (events: readonly Added[]): number => new Set(events.map(({ slab }) => slab)).size;

test.each([
  '{"name":"e"}',
  '',
  'é',
  '日本語',
  '👕',
  '\u0000\u007f\u0080\u2028',
  'x'.repeat(100_000),
  '日'.repeat(50_000),
])('returns the JSON that was written: %j', (json) => {
  const arena = new ByteArena();
  const [first, event, last] = ['first', json, 'last'].map((each) => arena.add(each));
  if (first === undefined || event === undefined || last === undefined) throw new Error('Nothing was written.');
  expect(arena.read(event)).toBe(json);
  expect(arena.countBytes(event)).toBe(Buffer.byteLength(json));
  expect([arena.read(first), arena.read(last)]).toEqual(['first', 'last']);
});

test.each([add, addText])('writes events one after the other into a slab (%o)', (addTo) => {
  const arena = new ByteArena();
  const [one, other] = [addTo(arena, 'abc'), addTo(arena, 'é')];
  expect([one.start, one.end, other.start, other.end]).toEqual([0, 3, 3, 5]);
  expect(other.slab).toBe(one.slab);
});

test('fills a slab to its last byte', () => {
  const arena = new ByteArena();
  const events = fill(arena, SLAB_BYTES / 4);
  expect([events.length, slabsOf(events)]).toEqual([4, 1]);
  expect(add(arena, 'x').slab).not.toBe(events[0]?.slab);
});

describe('a slab is reused', () => {
  test('only when every event in it is released', () => {
    const arena = new ByteArena();
    const [kept, ...others] = fill(arena, 10_000, 'a');
    if (kept === undefined) throw new Error('Nothing was written.');
    const next = fill(arena, 10_000, 'b');
    for (const { event } of [...others, ...next]) arena.release(event);
    const later = [...fill(arena, 10_000, 'c'), ...fill(arena, 10_000, 'd')];
    expect(later.some(({ slab }) => slab === kept.slab)).toBe(false);
    expect(arena.read(kept.event)).toBe('a'.repeat(10_000));

    arena.release(kept.event);
    expect(add(arena, 'e'.repeat(10_000)).slab).toBe(kept.slab);
  });

  test('from its start, if it is the current one', () => {
    const arena = new ByteArena();
    const events = [add(arena, 'abc'), add(arena, 'def')];
    for (const { event } of events) arena.release(event);
    const again = add(arena, 'ghi');
    expect([again.slab === events[0]?.slab, again.start]).toEqual([true, 0]);
  });

  test('once, so that no two events share bytes', () => {
    const arena = new ByteArena();
    for (const { event } of fill(arena, 10_000)) arena.release(event);
    const events = Array.from({ length: 30 }, (_, index) => add(arena, String(index).repeat(10_000)));
    expect(events.map(({ event }) => arena.read(event))).toEqual(
      events.map((_, index) => String(index).repeat(10_000)),
    );
  });
});

describe('an event that is larger than a slab', () => {
  const LARGE = 'x'.repeat(SLAB_BYTES + 1);

  test('gets a slab of its own size, which no other event uses', () => {
    const arena = new ByteArena();
    const [before, large, after] = [add(arena, 'a'), add(arena, LARGE), add(arena, 'b')];
    expect([large.slab.bytes.length, large.start]).toEqual([SLAB_BYTES + 1, 0]);
    expect(slabsOf([before, large, after])).toBe(3);
  });

  test('leaves an empty slab to the events after it', () => {
    const arena = new ByteArena();
    const empty = arena.reserve(1);
    add(arena, LARGE);
    expect(add(arena, 'a').slab).toBe(empty);
  });

  test('does not keep its slab once it is released and the next slab is used', () => {
    const arena = new ByteArena();
    const large = add(arena, LARGE);
    const next = add(arena, 'a');
    arena.release(large.event);
    arena.release(next.event);
    const events = [...fill(arena, 10_000), ...fill(arena, 10_000)];
    expect(events.some(({ slab }) => slab === large.slab)).toBe(false);
  });

  test('leaves its slab to smaller events, if it is released while it is the current one', () => {
    const arena = new ByteArena();
    arena.release(add(arena, LARGE).event);
    const events = Array.from({ length: 10 }, (_, index) => add(arena, String(index).repeat(10_000)));
    expect(arena.heldBytes).toBe(SLAB_BYTES + 1 + SLAB_BYTES);
    expect(events.map(({ event }) => arena.read(event))).toEqual(
      events.map((_, index) => String(index).repeat(10_000)),
    );
  });
});

describe('the held bytes', () => {
  test('are those of the slabs with events, and not of the events', () => {
    const arena = new ByteArena();
    expect(arena.heldBytes).toBe(0);
    const [one, other] = [add(arena, 'a'), add(arena, 'b')];
    expect(arena.heldBytes).toBe(SLAB_BYTES);
    const large = add(arena, 'x'.repeat(100_000));
    expect(arena.heldBytes).toBe(SLAB_BYTES + 100_000);
    arena.release(one.event);
    expect(arena.heldBytes).toBe(SLAB_BYTES + 100_000);
    arena.release(other.event);
    expect(arena.heldBytes).toBe(100_000);
    arena.release(large.event);
    expect(arena.heldBytes).toBe(0);
  });

  test('do not grow while as many events are released as are added', () => {
    const arena = new ByteArena();
    const events = fill(arena, 1_000);
    let most = 0;
    for (let round = 0; round < 1_000; round += 1) {
      events.push(add(arena, 'x'.repeat(1_000)));
      const oldest = events.shift();
      if (oldest !== undefined) arena.release(oldest.event);
      most = Math.max(most, arena.heldBytes);
    }
    expect(most).toBe(2 * SLAB_BYTES);
  });
});

describe('an event that is written and not committed', () => {
  test('is replaced by the next one, and holds nothing', () => {
    const arena = new ByteArena();
    const [slab, start] = arena.write('lost');
    expect(arena.heldBytes).toBe(0);
    const kept = add(arena, 'kept');
    expect([kept.slab === slab, kept.start, arena.read(kept.event)]).toEqual([true, start, 'kept']);
  });

  test('does not replace the events before it', () => {
    const arena = new ByteArena();
    const before = add(arena, 'before');
    arena.write('lost');
    const after = add(arena, 'after');
    expect([arena.read(before.event), arena.read(after.event)]).toEqual(['before', 'after']);
    arena.release(before.event);
    expect(arena.read(after.event)).toBe('after');
    expect(arena.heldBytes).toBe(SLAB_BYTES);
  });

  test('leaves the slab that it did not fit into', () => {
    const arena = new ByteArena();
    const { event, slab: left } = add(arena, 'a');
    arena.write('x'.repeat(SLAB_BYTES));
    arena.release(event);
    expect(arena.heldBytes).toBe(0);
    const events = [...fill(arena, 10_000), ...fill(arena, 10_000)];
    expect(events.some(({ slab }) => slab === left)).toBe(true);
  });
});

describe('the number of an event', () => {
  test('is reused after the event is released, so that numbers stay small', () => {
    const arena = new ByteArena();
    const waiting: ItemNumber[] = [];
    for (let added = 0; added < 10_000; added += 1) {
      const event = arena.add(`{"n":${added}}`);
      expect(waiting).not.toContain(event);
      expect(event).toBeLessThan(8);
      waiting.push(event);
      // Not in the order in which they were added.
      if (waiting.length === 8) for (const released of waiting.splice(2, 5).toReversed()) arena.release(released);
    }
  });

  test('belongs to the new event and its bytes after it was reused', () => {
    const arena = new ByteArena();
    const old = arena.add('{"name":"old"}');
    const kept = arena.add('{"name":"kept"}');
    arena.release(old);
    const added = arena.add('{"name":"é"}');
    expect(added).toBe(old);
    expect([arena.read(added), arena.countBytes(added)]).toEqual(['{"name":"é"}', 13]);
    expect([arena.read(kept), arena.countBytes(kept)]).toEqual(['{"name":"kept"}', 15]);
  });
});

test('copies events one after the other', () => {
  const arena = new ByteArena();
  const target = Buffer.alloc(10, '.');
  let to = 2;
  for (const json of ['abc', '', 'é']) to = arena.copy(arena.add(json), target, to);
  expect([to, target.toString()]).toEqual([7, '..abcé...']);
});

test('reserves at least the requested bytes after the used ones', () => {
  const arena = new ByteArena();
  add(arena, 'x'.repeat(60_000));
  for (const bytes of [1, 5_000, 6_000, SLAB_BYTES, SLAB_BYTES + 1, 200_000]) {
    const slab = arena.reserve(bytes);
    expect(slab.bytes.length - slab.used).toBeGreaterThanOrEqual(bytes);
  }
});

test('keeps each event unchanged until it is released, whatever the order', () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        text: anyText(),
        times: fc.constantFrom(1, 100, 1_000, 10_000),
        addTo: fc.constantFrom(add, addText),
      }),
    },
    { weight: 1, arbitrary: fc.record({ lost: fc.constantFrom(1, 100, 50_000, 100_000) }) },
    { weight: 5, arbitrary: fc.record({ release: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const arena = new ByteArena();
      const live: (Added & { json: string })[] = [];
      for (const each of steps) {
        if ('text' in each) {
          const json = each.text.repeat(each.times);
          live.push({ ...each.addTo(arena, json), json });
        } else if ('lost' in each) {
          arena.write('?'.repeat(each.lost));
        } else {
          const [released] = live.splice(each.release % Math.max(1, live.length), 1);
          if (released !== undefined) arena.release(released.event);
        }
        expect(new Set(live.map(({ event }) => event)).size).toBe(live.length);
        const held = new Set(live.map(({ slab }) => slab));
        expect(arena.heldBytes).toBe([...held].reduce((sum, { bytes }) => sum + bytes.length, 0));
      }
      for (const { event, json } of live) {
        const bytes = Buffer.from(json);
        const target = Buffer.alloc(bytes.length + 2, '?');
        expect([arena.countBytes(event), arena.copy(event, target, 1)]).toEqual([bytes.length, bytes.length + 1]);
        expect([target[0], target.at(-1)]).toEqual([QUESTION_MARK, QUESTION_MARK]);
        expect(target.subarray(1, -1).equals(bytes)).toBe(true);
        expect(arena.read(event) === json).toBe(true);
      }
      for (const { event } of live) arena.release(event);
      expect(arena.heldBytes).toBe(0);
    }),
    { numRuns: 200 },
  );
});
