import type { PartialError } from './answers.ts';
import type { Call } from './call.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { truncateText } from './truncate-text.ts';

/** A partial error with its update. */
export type RejectedUpdate = PartialError & {
  /** Null if the update has none, or if there is no such update (a fault can report one). */
  readonly custom_id: string | null;
  /** The update as JSON with its original digits, truncated if it is long. */
  readonly update: string | null;
};

/**
 * Returns the partial errors of a call, each with its update.
 *
 * @param most how many of the last errors to return: printing the updates of all would take time, only to drop them.
 */
export function listRejectedUpdates(
  errors: readonly PartialError[],
  { print, updates }: Call,
  most: number,
): readonly RejectedUpdate[] {
  // An update can have hundreds of errors.
  const texts = new Map<JsonObject, string>();
  return errors.slice(-most).map((error) => {
    const update = updates[error.bulk_index];
    if (update === undefined) return { ...error, custom_id: null, update: null };
    const text = texts.get(update) ?? truncateText(print(update));
    texts.set(update, text);
    return { ...error, custom_id: readCustomId(update), update: text };
  });
}

function readCustomId({ identifiers }: JsonObject): string | null {
  const customId = isJsonObject(identifiers) ? identifiers.custom_id : undefined;
  return typeof customId === 'string' ? customId : null;
}
