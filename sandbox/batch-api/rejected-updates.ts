import type { PartialError } from './answers.ts';
import type { Call } from './call.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { truncateText } from './truncate-text.ts';

/** What a partial error says, with the update that it is about. */
export type RejectedUpdate = PartialError & {
  /** Null if the update names none, or if there is no such update: a fault may ask for one. */
  readonly custom_id: string | null;
  /** The update as JSON with the digits that came in, or the beginning of a long one. */
  readonly update: string | null;
};

/**
 * The partial errors of a call, each with its update.
 *
 * @param most of them, the last ones: to print the updates of all, only to forget them, would take its time.
 */
export function listRejectedUpdates(
  errors: readonly PartialError[],
  { print, updates }: Call,
  most: number,
): readonly RejectedUpdate[] {
  // An update may have hundreds of errors.
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
