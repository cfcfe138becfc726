import { Buffer } from 'node:buffer';
import type { AttributeTypes } from './attribute-types.ts';
import { type AttributeProblem, keepEventAttributes } from './event-attributes.ts';
import { isJsonObject, type Json, type ParsedJson } from './json.ts';
import type { Limits } from './limits.ts';
import { readUtcTimestamp } from './timestamp.ts';
import type { Problem } from './values.ts';

export type JudgeContext = {
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly print: ParsedJson['print'];
  /** The types of earlier attributes; undefined if types may change. */
  readonly types?: AttributeTypes | undefined;
};

export type KeptEvent = {
  readonly name: string;
  /** The accepted part of the event, as JSON with its original digits. */
  readonly json: string;
};

export type EventVerdict =
  | { readonly isKept: true; readonly event: KeptEvent; readonly problems: readonly AttributeProblem[] }
  | { readonly isKept: false; readonly reasons: readonly string[] };

const eventKeys: ReadonlySet<string> = new Set(['name', 'time', 'attributes']);

/** Checks one event (docs/batch-api.md, 2.3 Events and 2.4 Event attributes). */
export function judgeEvent(event: Json, context: JudgeContext): EventVerdict {
  if (!isJsonObject(event)) return { isKept: false, reasons: ['not an object'] };
  const { attributes, name, time } = event;
  const json = context.print(event);
  const reasons = [
    checkName(name, context.limits),
    time === undefined ? undefined : checkTime(time, context),
    attributes === undefined || isJsonObject(attributes) ? undefined : 'attributes are not an object',
    checkSize(json, context.limits),
    checkKeys(Object.keys(event)),
  ].filter((problem) => problem !== undefined);
  if (reasons.length > 0) return { isKept: false, reasons };
  const whole = { name: String(name), json };
  if (!isJsonObject(attributes)) return { isKept: true, event: whole, problems: [] };

  const kept = keepEventAttributes(attributes, context.limits, (path, type, value) =>
    context.types?.check(`event ${name}`, path, type, value),
  );
  if (kept.problems.length === 0) return { isKept: true, event: whole, problems: [] };
  if (context.limits.badAttribute === 'event') {
    return { isKept: false, reasons: kept.problems.map(({ path, reason }) => `attributes.${path}: ${reason}`) };
  }
  const rest = { ...whole, json: context.print({ ...event, attributes: kept.attributes }) };
  return { isKept: true, event: rest, problems: kept.problems };
}

function checkName(name: Json | undefined, limits: Limits): Problem {
  if (name === undefined) return 'name is missing';
  return typeof name === 'string' && limits.eventNamePattern.test(name)
    ? undefined
    : `name does not match ${limits.eventNamePattern.source}`;
}

function checkTime(time: Json, { limits, now }: JudgeContext): Problem {
  const milliseconds = typeof time === 'string' ? readUtcTimestamp(time) : undefined;
  if (milliseconds === undefined) return 'time is not an RFC 3339 date in UTC such as 2026-04-17T04:25:00Z';
  if (milliseconds > now + limits.futureToleranceMs) return 'time is in the future';
  return milliseconds < now - limits.maxAgeMs ? `time is over ${limits.maxAgeMs / 3_600_000} hours ago` : undefined;
}

function checkSize(json: string, limits: Limits): Problem {
  const bytes = Buffer.byteLength(json);
  return bytes > limits.eventBytes ? `${bytes} bytes, at most ${limits.eventBytes} are allowed` : undefined;
}

// No other key is documented. Batch may ignore one [inferred]; the sandbox refuses it to reveal a client's mistake.
function checkKeys(keys: readonly string[]): Problem {
  const unknown = keys.filter((key) => !eventKeys.has(key));
  return unknown.length === 0 ? undefined : `unknown: ${unknown.join(', ')}`;
}
