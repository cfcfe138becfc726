import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyText } from '../../sandbox/any-text.ts';
import { viewOf } from '../shared/byte-pattern.ts';
import { type ProfileNumber, ProfileTable } from './profile-table.ts';

/** Finds a profile by the JSON of its id, in the middle of other bytes. */
function findJson(profiles: ProfileTable, json: string): ProfileNumber {
  const bytes = Buffer.from(`{"custom_id":${json},"event_name":"e"}`);
  return profiles.find(bytes, viewOf(bytes), 13, 13 + Buffer.byteLength(json));
}

test.each(['u1', 'a b', 'é', '日本😀', 'quote " backslash \\ tab \t', '\u2028', 'x'.repeat(2_000), '日'.repeat(512)])(
  'finds a profile by its id as text and as JSON, and returns the id: %j',
  (customId) => {
    const profiles = new ProfileTable();
    const profile = profiles.findText(customId);
    expect(findJson(profiles, JSON.stringify(customId))).toBe(profile);
    expect(profiles.findText(customId)).toBe(profile);
    expect([profiles.size, profiles.readCustomId(profile)]).toEqual([1, customId]);
  },
);

test('copies the JSON of an id', () => {
  const profiles = new ProfileTable();
  for (const customId of ['u1', 'é"', 'x'.repeat(100)]) {
    const json = JSON.stringify(customId);
    const profile = profiles.findText(customId);
    const target = Buffer.alloc(Buffer.byteLength(json) + 2, '.');
    expect(profiles.countIdBytes(profile)).toBe(Buffer.byteLength(json));
    expect(profiles.copyId(profile, target, 1)).toBe(target.length - 1);
    expect(target.toString()).toBe(`.${json}.`);
  }
});

test('keeps more profiles apart than it has buckets, and removes any of them', () => {
  const profiles = new ProfileTable();
  const customIds = Array.from({ length: 150_000 }, (_, index) => `customer-${index}`);
  const numbers = customIds.map((customId) => profiles.findText(customId));
  expect([profiles.size, new Set(numbers).size]).toEqual([customIds.length, customIds.length]);
  for (const [index, profile] of numbers.entries()) if (index % 3 !== 0) profiles.remove(profile);
  expect(profiles.size).toBe(50_000);
  const isKept = customIds.every(
    (customId, index) => index % 3 !== 0 || profiles.findText(customId) === numbers[index],
  );
  expect([isKept, profiles.size]).toEqual([true, 50_000]);
});

test('contains each id once, whatever is added and removed', () => {
  const id = fc.oneof(fc.constantFrom('a', 'b', 'aa', 'ab'), anyText());
  fc.assert(
    fc.property(fc.array(fc.record({ id, isRemoved: fc.boolean() }), { maxLength: 80 }), (steps) => {
      const profiles = new ProfileTable();
      const expected = new Map<string, ProfileNumber>();
      for (const step of steps) {
        // An id with half a character is rejected before.
        const customId = step.id.toWellFormed();
        const profile = profiles.findText(customId);
        expect(profile).toBe(expected.get(customId) ?? profile);
        expect([...expected].every(([other, number]) => other === customId || number !== profile)).toBe(true);
        if (step.isRemoved) {
          profiles.remove(profile);
          expected.delete(customId);
        } else expected.set(customId, profile);
        expect(profiles.size).toBe(expected.size);
      }
      for (const [customId, profile] of expected) expect(profiles.readCustomId(profile)).toBe(customId);
    }),
  );
});
