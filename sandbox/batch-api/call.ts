import type { Refusal } from './answers.ts';
import { judgeIdentifiers } from './identifiers.ts';
import { isJsonArray, isJsonObject, type JsonObject, type ParsedJson, parseJson } from './json.ts';
import type { Limits } from './limits.ts';
import { countEvents } from './update.ts';

export type Endpoint = 'update' | 'mass-update';

export type Call = {
  readonly updates: readonly JsonObject[];
  readonly print: ParsedJson['print'];
};

/** Parses the body of a call, or returns why the whole call is refused, before it costs any tokens. */
export function readCall(text: string, endpoint: Endpoint, limits: Limits): Call | Refusal {
  const parsed = tryParse(text);
  if (parsed === undefined) return { status: 400, code: 'MALFORMED_JSON_BODY', message: 'The body is not JSON.' };
  const { print, value: updates } = parsed;
  if (!isJsonArray(updates)) return malformed('The body is not an array.');
  if (updates.length === 0) return malformed('The array is empty.');
  const max = endpoint === 'update' ? limits.updateCallMax : limits.massUpdateCallMax;
  if (updates.length > max)
    return malformed(`The array contains ${updates.length} updates, at most ${max} are allowed.`);
  if (!updates.every(isJsonObject)) {
    return malformed(`[${updates.findIndex((update) => !isJsonObject(update))}] is not an object.`);
  }
  return checkEachUpdate(updates, limits) ?? { updates, print };
}

/** Refuses the whole call because of one update, if the limits say so. */
function checkEachUpdate(updates: readonly JsonObject[], limits: Limits): Refusal | undefined {
  for (const [index, update] of updates.entries()) {
    if (limits.badIdentifiers === 'call') {
      const verdict = judgeIdentifiers(update.identifiers, limits);
      if (verdict.kind === 'missing') {
        return { status: 400, code: 'MISSING_PARAMETER', message: `[${index}]: ${verdict.reason}.` };
      }
      if (verdict.kind === 'malformed') return malformed(`[${index}]: ${verdict.reason}.`);
    }
    const events = countEvents(update);
    if (limits.tooManyEvents === 'call' && events > limits.maxEventsPerUpdate) {
      return malformed(`[${index}]: ${events} events, at most ${limits.maxEventsPerUpdate} are allowed.`);
    }
  }
  return undefined;
}

function malformed(message: string): Refusal {
  return { status: 400, code: 'MALFORMED_PARAMETER', message };
}

function tryParse(text: string): ParsedJson | undefined {
  try {
    return parseJson(text);
  } catch {
    // A SyntaxError, or a RangeError from a body that nests too deep for the parser.
    return undefined;
  }
}
