import { describe, expect, test } from 'vitest';
import { judgeIdentifiers } from './identifiers.ts';
import type { Json } from './json.ts';
import { changedLimits, DEFAULT_LIMITS } from './limits.ts';

describe('accepts', () => {
  const goodOnes: [string, Json, string | null][] = [
    ['a custom id', { custom_id: 'u1' }, 'u1'],
    ['an email address', { custom_id: 'Ann@example.com' }, 'Ann@example.com'],
    ['surrounding spaces, which are kept', { custom_id: ' u1 ' }, ' u1 '],
    ['512 characters', { custom_id: 'x'.repeat(512) }, 'x'.repeat(512)],
    ['an installation', { installation: { apikey: 'k', installation_id: 'i' } }, null],
  ];
  test.each(goodOnes)('%s', (_, identifiers, customId) => {
    expect(judgeIdentifiers(identifiers, DEFAULT_LIMITS)).toEqual({ kind: 'good', customId });
  });
});

describe('refuses', () => {
  const badOnes: [string, Json | undefined, 'missing' | 'malformed' | 'refused'][] = [
    ['none', undefined, 'missing'],
    ['neither kind', {}, 'missing'],
    ['null', null, 'malformed'],
    ['a string', 'u1', 'malformed'],
    ['an array', [{ custom_id: 'u1' }], 'malformed'],
    ['both kinds', { custom_id: 'u1', installation: { apikey: 'k', installation_id: 'i' } }, 'malformed'],
    ['another kind', { email: 'ann@example.com' }, 'malformed'],
    ['a number', { custom_id: 1 }, 'malformed'],
    ['a null id', { custom_id: null }, 'malformed'],
    ['an installation without its key', { installation: { installation_id: 'i' } }, 'malformed'],
    ['an installation with an empty id', { installation: { apikey: 'k', installation_id: '' } }, 'malformed'],
    ['an installation that is a string', { installation: 'i' }, 'malformed'],
    ['an empty id', { custom_id: '' }, 'refused'],
    ['513 characters', { custom_id: 'x'.repeat(513) }, 'refused'],
    ['a blank id', { custom_id: '  ' }, 'refused'],
    ['an id of two lines', { custom_id: 'a\nb' }, 'refused'],
    ['half of a surrogate pair', { custom_id: 'u\ud800' }, 'refused'],
    ['a placeholder', { custom_id: 'NULL' }, 'refused'],
    ['an object that became a string', { custom_id: '[object Object]' }, 'refused'],
  ];
  test.each(badOnes)('%s', (_, identifiers, kind) => {
    expect(judgeIdentifiers(identifiers, DEFAULT_LIMITS)).toEqual({ kind, reason: expect.any(String) });
  });
});

test('half of a surrogate pair can be accepted', () => {
  const limits = changedLimits(DEFAULT_LIMITS, { malformedText: 'accept' });
  expect(judgeIdentifiers({ custom_id: '\ud800' }, limits)).toEqual({ kind: 'good', customId: '\ud800' });
});

test.each(['  ', 'a\nb', 'null'])('%j, which only SDKs refuse, can be accepted', (customId) => {
  const limits = changedLimits(DEFAULT_LIMITS, { sdkRefusedCustomId: 'accept' });
  expect(judgeIdentifiers({ custom_id: customId }, limits)).toEqual({ kind: 'good', customId });
});
