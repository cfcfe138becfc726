import type { PartialError } from './answers.ts';
import type { JudgeContext } from './event.ts';
import type { PartialFault } from './faults.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from './json.ts';
import { droppedUpdate, judgeUpdate, type UpdateVerdict } from './update.ts';

/** The verdict on an update that a fault finds something wrong with. */
export function judgeWithFault(update: JsonObject, fault: PartialFault, context: JudgeContext): UpdateVerdict {
  const error = errorOf(fault);
  if (fault.attribute === undefined) return droppedUpdate(update, error);
  const verdict = judgeUpdate(withoutAttribute(update, fault.attribute), fault.bulk_index, context);
  return {
    ...verdict,
    errors: [...verdict.errors, error],
    attributesRefused: verdict.attributesRefused + 1,
  };
}

export function errorOf({ attribute, bulk_index, category, reason }: PartialFault): PartialError {
  return { bulk_index, category, ...(attribute !== undefined && { attribute }), reason };
}

function withoutAttribute(update: JsonObject, path: string): JsonObject {
  const steps = path.match(/[^.[\]]+/g) ?? [];
  const { attributes, events } = update;
  return {
    ...update,
    ...(attributes !== undefined && { attributes: without(attributes, steps) }),
    ...(isJsonArray(events) && { events: events.map((event) => without(event, ['attributes', ...steps])) }),
  };
}

function without(value: Json, [step, ...rest]: readonly string[]): Json {
  if (isJsonArray(value)) {
    return rest.length === 0
      ? value.filter((_, index) => String(index) !== step)
      : value.map((item, index) => (String(index) === step ? without(item, rest) : item));
  }
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    rest.length === 0
      ? entries.filter(([key]) => key !== step)
      : entries.map(([key, item]) => [key, key === step ? without(item, rest) : item]),
  );
}
