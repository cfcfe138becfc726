import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from './json.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { keepProfileAttributes } from './profile-attributes.ts';

describe('keeps', () => {
  const goodOnes: JsonObject[] = [
    { plan: 'premium', lifetime_value: 12.5, is_vip: true },
    { 'date(birthday)': '1989-07-20T00:00:00Z', 'url(avatar)': 'https://example.com/a.png' },
    { interests: ['a', 'b'] },
    { interests: { $add: ['a'], $remove: ['b'] } },
    { plan: null, 'date(birthday)': null, $language: null, interests: null },
    { $email_address: 'ann@example.com', $email_marketing: 'subscribed', $sms_marketing: 'unsubscribed' },
    { $phone_number: '+33600000000', $language: 'fr', $region: 'FR', $timezone: 'Europe/Paris' },
    { $topic_preferences: ['news'] },
    { $topic_preferences: { $add: ['news'] } },
  ];
  test.each(goodOnes)('%j', (attributes) => {
    expect(keepProfileAttributes(attributes, DEFAULT_LIMITS)).toEqual({ attributes, problems: [] });
  });
});

describe('drops only the attribute for', () => {
  const badOnes: [string, Json, RegExp][] = [
    ['plan', '', /blank/],
    ['plan', 'x'.repeat(301), /301 characters/],
    ['Plan', 'x', /not a valid key/],
    ['$plan', 'x', /not a valid key/],
    ['$label', 'x', /not a valid key/],
    ['date(birthday)', '1989-07-20', /RFC 3339/],
    ['url(avatar)', 'a.png', /scheme/],
    ['address', { city: 'Paris' }, /neither an array of strings nor an edit/],
    ['interests', {}, /neither an array of strings nor an edit/],
    ['interests', { $add: ['a'], $set: ['b'] }, /neither an array of strings nor an edit/],
    ['interests', { $add: 'a' }, /not an array/],
    ['interests', { $add: ['a'], $remove: [''] }, /blank/],
    ['interests', ['a', 1], /not a string/],
    ['interests', [], /empty array/],
    ['interests', Array(26).fill('a'), /26 items/],
    ['$email_marketing', 'yes', /neither subscribed nor unsubscribed/],
    ['$language', 'french', /two letters/],
    ['$region', 33, /two letters/],
    ['$email_address', '', /not an email address/],
    ['$email_address', 'ann@example', /not an email address/],
    ['$email_address', `${'a'.repeat(245)}@example.com`, /257 characters, at most 256/],
    ['$phone_number', '0612345678', /not a phone number such as/],
    ['$timezone', 'Paris', /not a time zone such as/],
    ['$timezone', '+01:00', /not a time zone/],
    ['$topic_preferences', ['News'], /a topic that does not match/],
    ['$topic_preferences', 'news', /not an array/],
  ];
  test.each(badOnes)('%s: %j', (key, value, reason) => {
    expect(keepProfileAttributes({ ok: 1, [key]: value }, DEFAULT_LIMITS)).toEqual({
      attributes: { ok: 1 },
      problems: [{ path: key, reason: expect.stringMatching(reason) }],
    });
  });
});

test('the 51st attribute is dropped', () => {
  const attributes = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, index]));
  const kept = keepProfileAttributes(attributes, DEFAULT_LIMITS);
  expect(Object.keys(kept.attributes)).toHaveLength(50);
  expect(kept.problems).toEqual([{ path: 'k50', reason: 'more than 50 attributes' }]);
});
