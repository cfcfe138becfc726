import { z } from 'zod';
import { readBy } from './bad-request.ts';

/**
 * How certain a limit is, as in docs/batch-api.md, Sources: from Batch's documentation; from the code or pages of Batch's
 * SDKs, which share the data model; reported by a third party; or inferred, which no source states.
 */
type Sureness = 'documented' | 'sdk' | 'reported' | 'inferred';

type Limit<T> = {
  readonly value: T;
  readonly unit: string;
  readonly sureness: Sureness;
  /** Keys of sources in docs/batch-api.md; empty for an inferred limit. */
  readonly source: string;
  readonly schema: z.ZodType<T>;
};

type Origin = readonly [sureness: Sureness, source: string];

const inferred: Origin = ['inferred', ''];

function amount(value: number, unit: string, [sureness, source]: Origin): Limit<number> {
  return { value, unit, sureness, source, schema: z.int().nonnegative() };
}

function pattern(value: RegExp, [sureness, source]: Origin): Limit<RegExp> {
  const schema = z.union([z.instanceof(RegExp), z.string()]).transform((input, context) => {
    try {
      return new RegExp(input);
    } catch {
      context.addIssue('not a regular expression');
      return z.NEVER;
    }
  });
  return { value, unit: 'regular expression', sureness, source, schema };
}

function choice<const T extends string | number>(options: readonly [T, ...T[]], [sureness, source]: Origin): Limit<T> {
  return { value: options[0], unit: 'one of', sureness, source, schema: z.literal([...options]) };
}

/**
 * Every rule of the Profile API with a number, a pattern or an open question. The first option of a choice is the
 * sandbox's default; the others are what Batch may do instead (docs/batch-api.md, 6 What is unsure).
 */
export const LIMITS = {
  updateCallMax: amount(200, 'updates in a call of update', ['documented', 'UPD, PROF']),
  massUpdateCallMax: amount(10_000, 'updates in a call of mass-update', ['documented', 'MASS, PROF']),

  // Neither a limit nor an answer is documented. This one is generous; servers in front of an API often accept less.
  requestBytesMax: amount(64 * 1024 * 1024, 'bytes in the body of a call; more are a 413', inferred),

  updateRate: amount(300, 'updates a second', ['documented', 'PROF, MASS']),
  updateBurst: amount(1_000, 'updates', ['documented', 'PROF, MASS']),
  massUpdateRate: amount(10_000, 'updates a second', ['documented', 'PROF, MASS']),
  // "No burst" is understood as one full call per second.
  massUpdateBurst: amount(10_000, 'updates', inferred),

  customIdMax: amount(512, 'characters', ['reported', 'DRV']),

  maxEventsPerUpdate: amount(15, 'events in an update', ['reported', 'MM, DRV']),
  // It is not known what Batch measures; here it is the event's compact JSON in UTF-8.
  eventBytes: amount(25_000, 'bytes of an event', ['reported', 'MM']),
  eventNamePattern: pattern(/^[a-z0-9_]{1,30}$/, ['reported', 'MM, DINMO, DRV']),
  maxAgeMs: amount(24 * 60 * 60 * 1000, 'milliseconds', ['reported', 'MM; documented for the older API: TRIG']),
  // No source says how far two clocks may differ. A second accepts an event that was created just before it arrived.
  futureToleranceMs: amount(1_000, 'milliseconds', inferred),

  keyPattern: pattern(/^(?:[a-z0-9_]{1,30}|(?:date|url)\([a-z0-9_]{1,30}\))$/, ['reported', 'MM, SDKDOC']),
  stringMax: amount(300, 'characters', ['reported', 'MM; WEBSDK, ANDSDK, IOSSDK']),
  urlMax: amount(2_048, 'characters', ['reported', 'MM; WEBSDK, ANDSDK, IOSSDK']),
  arrayMax: amount(25, 'items of an array', ['sdk', 'SDKDOC, WEBSDK, ANDSDK, IOSSDK']),
  depthMax: amount(3, 'levels of objects below the event', ['sdk', 'SDKDOC, ANDSDK, IOSSDK']),
  attributesMax: amount(20, 'attributes of an object, at each level', ['sdk', 'WEBSDK, ANDSDK, IOSSDK']),
  labelMax: amount(200, 'characters', ['sdk', 'WEBSDK, ANDSDK, IOSSDK']),
  tagsMax: amount(10, 'tags of an event', ['sdk', 'WEBSDK, ANDSDK, IOSSDK']),
  tagMax: amount(64, 'characters', ['sdk', 'WEBSDK, ANDSDK, IOSSDK']),
  profileAttributesMax: amount(50, 'profile attributes of an update', ['reported', 'MM, SEGM']),
  emailMax: amount(256, 'characters of $email_address', ['sdk', 'WEBSDK, IOSSDK']),
  emailPattern: pattern(/^[^@\s]+@[A-Za-z0-9.-]+\.[A-Za-z0-9]+$/, ['sdk', 'IOSSDK']),
  phonePattern: pattern(/^\+[0-9]{1,15}$/, ['sdk', 'IOSSDK']),
  topicPattern: pattern(/^[a-z0-9_]{1,300}$/, ['sdk', 'WEBSDK, IOSSDK']),

  /** The status of a call without `X-Batch-Project`. */
  missingProjectHeader: choice([400, 401], inferred),
  /** What is refused for more than `maxEventsPerUpdate` events: the update, or the whole call (400). */
  tooManyEvents: choice(['update', 'call'], inferred),
  /** What is refused for missing or invalid `identifiers`: the update, or the whole call (400). */
  badIdentifiers: choice(['partial', 'call'], inferred),
  /** What is dropped for an invalid attribute: the attribute, or its event. */
  badAttribute: choice(['attribute', 'event'], ['reported', 'MM']),
  /** Whether a 429 carries `Retry-After`. */
  retryAfter: choice(['off', 'seconds'], inferred),
  /** An empty array: refused by the Web SDK, accepted by the mobile ones. */
  emptyArray: choice(['refuse', 'accept'], ['sdk', 'WEBSDK']),
  /** Custom ids that the SDKs refuse (blank, with a line break, or a word such as `null`). */
  sdkRefusedCustomId: choice(['refuse', 'accept'], ['sdk', 'WEBSDK, ANDSDK, IOSSDK']),
  /** An attribute string with a line break: only the mobile SDKs are known to refuse it. */
  multilineText: choice(['accept', 'refuse'], ['sdk', 'ANDSDK, IOSSDK']),
  /** A string or custom id with half of a surrogate pair: JSON can contain it, UTF-8 can't. */
  malformedText: choice(['refuse', 'accept'], inferred),
  /** An attribute whose type is not that of the first value with its name, for example a float after an integer. */
  typeChange: choice(['accept', 'refuse'], inferred),
} as const;

export type Limits = { readonly [K in keyof typeof LIMITS]: (typeof LIMITS)[K]['value'] };

const limitNames = Object.keys(LIMITS);

// Object.fromEntries loses the type of each name; LIMITS has it.
export const DEFAULT_LIMITS = Object.fromEntries(
  Object.entries(LIMITS).map(([name, limit]) => [name, limit.value]),
) as Limits;

const changesSchema = z
  .strictObject(Object.fromEntries(Object.entries(LIMITS).map(([name, { schema }]) => [name, schema.optional()])), {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `no such limit: ${issue.keys?.join(', ')}; there are: ${limitNames.join(', ')}`
        : undefined,
  })
  .transform((changes) => changes as Partial<Limits>);

/**
 * Returns the limits with changes (a pattern may be given as a string).
 *
 * @throws {BadRequest} for an unknown name or an invalid value.
 */
export function changedLimits(current: Limits, changes: unknown): Limits {
  const read = readBy(changesSchema, changes);
  return { ...current, ...read };
}

/** The limits as plain JSON, in the form that {@link changedLimits} accepts. */
export function limitsAsJson(limits: Limits): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(limits).map(([name, value]) => [name, value instanceof RegExp ? value.source : value]),
  );
}
