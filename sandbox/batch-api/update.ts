import type { Category, PartialError } from './answers.ts';
import { type JudgeContext, judgeEvent, type KeptEvent } from './event.ts';
import { judgeIdentifiers } from './identifiers.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from './json.ts';
import { keepProfileAttributes } from './profile-attributes.ts';

export type KeptUpdate = {
  /** Null for an update that names an installation. */
  readonly customId: string | null;
  readonly attributes: JsonObject;
  /** In the order of the update. */
  readonly events: readonly KeptEvent[];
};

export type UpdateVerdict = {
  /** Undefined if the whole update was dropped. */
  readonly kept: KeptUpdate | undefined;
  readonly errors: readonly PartialError[];
  readonly eventsRefused: number;
  readonly attributesRefused: number;
};

const updateKeys: ReadonlySet<string> = new Set(['identifiers', 'attributes', 'events']);
const nothing: JsonObject = {};

/** Checks one update of an accepted call: which parts are stored, and which errors are reported. */
export function judgeUpdate(update: JsonObject, bulkIndex: number, context: JudgeContext): UpdateVerdict {
  const { limits } = context;
  const refuse = (category: Category, reason: string): UpdateVerdict => ({
    ...droppedUpdate(update),
    errors: [{ bulk_index: bulkIndex, category, reason }],
  });

  const identifiers = judgeIdentifiers(update.identifiers, limits);
  if (identifiers.kind !== 'good') return refuse('identifiers', identifiers.reason);
  const { attributes = nothing, events = [] } = update;
  if (!isJsonObject(attributes)) return refuse('update', 'attributes are not an object');
  if (!isJsonArray(events)) return refuse('update', 'events are not an array');
  if (events.length > limits.maxEventsPerUpdate) return refuse('update', tooManyEvents(events, context));
  const unknown = Object.keys(update).filter((key) => !updateKeys.has(key));
  // As for unknown keys of an event, no source says what Batch does [inferred].
  if (unknown.length > 0) return refuse('update', `unknown: ${unknown.join(', ')}`);

  const profile = keepProfileAttributes(attributes, limits, context.types);
  const errors: PartialError[] = profile.problems.map(({ path, reason }) => ({
    bulk_index: bulkIndex,
    category: 'attribute',
    attribute: path,
    reason,
  }));
  const keptEvents: KeptEvent[] = [];
  let attributesRefused = profile.problems.length;
  for (const [index, event] of events.entries()) {
    const verdict = judgeEvent(event, context);
    if (verdict.isKept) {
      keptEvents.push(verdict.event);
      attributesRefused += verdict.problems.length;
      for (const { path, reason } of verdict.problems) {
        // No field for the event is known, so the reason contains its index.
        const placed = `${reason} (in events[${index}])`;
        errors.push({ bulk_index: bulkIndex, category: 'attribute', attribute: path, reason: placed });
      }
    } else {
      for (const reason of verdict.reasons) {
        errors.push({ bulk_index: bulkIndex, category: 'event', reason: `events[${index}]: ${reason}` });
      }
    }
  }
  return {
    kept: { customId: identifiers.customId, attributes: profile.attributes, events: keptEvents },
    errors,
    eventsRefused: events.length - keptEvents.length,
    attributesRefused,
  };
}

/** The verdict on a dropped update, without its errors. */
export function droppedUpdate(update: JsonObject): Omit<UpdateVerdict, 'errors'> {
  return { kept: undefined, eventsRefused: countEvents(update), attributesRefused: 0 };
}

export function countEvents(update: JsonObject): number {
  return isJsonArray(update.events) ? update.events.length : 0;
}

function tooManyEvents(events: readonly Json[], { limits }: JudgeContext): string {
  return `${events.length} events, at most ${limits.maxEventsPerUpdate} are allowed`;
}
