import { expect, test } from 'vitest';
import { BadRequest } from './bad-request.ts';
import { changedLimits, DEFAULT_LIMITS, LIMITS, limitsAsJson } from './limits.ts';

test('the defaults are those of docs/batch-api.md', () => {
  expect(limitsAsJson(DEFAULT_LIMITS)).toEqual({
    updateCallMax: 200,
    massUpdateCallMax: 10_000,
    requestBytesMax: 67_108_864,
    updateRate: 300,
    updateBurst: 1_000,
    massUpdateRate: 10_000,
    massUpdateBurst: 10_000,
    customIdMax: 512,
    maxEventsPerUpdate: 15,
    eventBytes: 25_000,
    eventNamePattern: '^[a-z0-9_]{1,30}$',
    maxAgeMs: 86_400_000,
    futureToleranceMs: 1_000,
    keyPattern: '^(?:[a-z0-9_]{1,30}|(?:date|url)\\([a-z0-9_]{1,30}\\))$',
    stringMax: 300,
    urlMax: 2_048,
    arrayMax: 25,
    depthMax: 3,
    attributesMax: 20,
    labelMax: 200,
    tagsMax: 10,
    tagMax: 64,
    profileAttributesMax: 50,
    emailMax: 256,
    emailPattern: '^[^@\\s]+@[A-Za-z0-9.-]+\\.[A-Za-z0-9]+$',
    phonePattern: '^\\+[0-9]{1,15}$',
    topicPattern: '^[a-z0-9_]{1,300}$',
    missingProjectHeader: 400,
    tooManyEvents: 'update',
    badIdentifiers: 'partial',
    badAttribute: 'attribute',
    retryAfter: 'off',
    emptyArray: 'refuse',
    sdkRefusedCustomId: 'refuse',
    multilineText: 'accept',
    malformedText: 'refuse',
    typeChange: 'accept',
  });
});

test('a limit that is not inferred names its source', () => {
  const nameless = Object.entries(LIMITS).filter(([, limit]) => limit.sureness !== 'inferred' && limit.source === '');
  expect(nameless).toEqual([]);
});

test('a change keeps the other limits, and does not modify the original', () => {
  const changed = changedLimits(DEFAULT_LIMITS, { arrayMax: 3, badAttribute: 'event' });
  expect(changed).toEqual({ ...DEFAULT_LIMITS, arrayMax: 3, badAttribute: 'event' });
  expect(DEFAULT_LIMITS.arrayMax).toBe(25);
});

test('accepts a pattern as a string or a regular expression', () => {
  expect(changedLimits(DEFAULT_LIMITS, { keyPattern: '^[A-Z]+$' }).keyPattern).toEqual(/^[A-Z]+$/);
  expect(changedLimits(DEFAULT_LIMITS, { keyPattern: /^[A-Z]+$/ }).keyPattern).toEqual(/^[A-Z]+$/);
});

test('accepts its own limits as JSON', () => {
  expect(changedLimits(DEFAULT_LIMITS, JSON.parse(JSON.stringify(limitsAsJson(DEFAULT_LIMITS))))).toEqual(
    DEFAULT_LIMITS,
  );
});

test.each([
  [{ arrayMin: 1 }, /no such limit: arrayMin; there are: .*arrayMax/],
  [{ arrayMax: -1 }, /arrayMax/],
  [{ arrayMax: 1.5 }, /arrayMax/],
  [{ arrayMax: '25' }, /arrayMax/],
  [{ badAttribute: 'update' }, /badAttribute/],
  [{ keyPattern: '(' }, /not a regular expression/],
  [[], /expected object/],
  [null, /expected object/],
])('%j is refused', (changes, message) => {
  expect(() => changedLimits(DEFAULT_LIMITS, changes)).toThrow(BadRequest);
  expect(() => changedLimits(DEFAULT_LIMITS, changes)).toThrow(message);
});
