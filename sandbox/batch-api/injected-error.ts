import type { PartialError } from './answers.ts';
import type { JudgeContext } from './event.ts';
import type { InjectedError } from './faults.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from './json.ts';
import { droppedUpdate, judgeUpdate, type UpdateVerdict } from './update.ts';

/** Checks an update to which a fault adds one or several errors. */
export function judgeWithFault(
  update: JsonObject,
  index: number,
  injected: readonly InjectedError[],
  context: JudgeContext,
): UpdateVerdict {
  const errors = injected.map(toPartialError);
  const attributes = injected.map(({ attribute }) => attribute).filter((attribute) => attribute !== undefined);
  if (attributes.length < injected.length) return { ...droppedUpdate(update), errors };
  const verdict = judgeUpdate(attributes.reduce(removeAttribute, update), index, context);
  return {
    ...verdict,
    errors: [...verdict.errors, ...errors],
    attributesRefused: verdict.attributesRefused + attributes.length,
  };
}

export function toPartialError({ attribute, bulk_index, category, reason }: InjectedError): PartialError {
  return { bulk_index, category, ...(attribute !== undefined && { attribute }), reason };
}

function removeAttribute(update: JsonObject, path: string): JsonObject {
  const steps = path.match(/[^.[\]]+/g) ?? [];
  const { attributes, events } = update;
  return {
    ...update,
    ...(attributes !== undefined && { attributes: removePath(attributes, steps) }),
    ...(isJsonArray(events) && { events: events.map((event) => removePath(event, ['attributes', ...steps])) }),
  };
}

function removePath(value: Json, [step, ...rest]: readonly string[]): Json {
  if (isJsonArray(value)) {
    return rest.length === 0
      ? value.filter((_, index) => String(index) !== step)
      : value.map((item, index) => (String(index) === step ? removePath(item, rest) : item));
  }
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    rest.length === 0
      ? entries.filter(([key]) => key !== step)
      : entries.map(([key, item]) => [key, key === step ? removePath(item, rest) : item]),
  );
}
