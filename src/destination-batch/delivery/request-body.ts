import { CLOSING_BRACKET, COMMA, OPENING_BRACKET } from '../../shared/ascii.ts';
import { BytePattern, viewOf } from '../../shared/byte-pattern.ts';
import type { ItemArena } from '../item-arena.ts';
import type { Update } from './batcher.ts';

const UPDATE_START = new BytePattern('{"identifiers":{"custom_id":');
/**
 * The bytes between the id and the attributes. The brace that closes the attributes is the first byte of EVENTS_START or
 * EVENTLESS_END.
 */
const ATTRIBUTES_START = new BytePattern('},"attributes":{');
const EVENTS_START = new BytePattern('},"events":[');
const UPDATE_END = new BytePattern(']}');
/** The end of an update without events. */
const EVENTLESS_END = new BytePattern('}}');

/**
 * The size of an update that has events, in bytes, without its id, its attributes and the events themselves. For an update without
 * events, it is a little too large.
 */
const UPDATE_FRAME_BYTES = UPDATE_START.length + EVENTS_START.length + UPDATE_END.length;

/** Returns the maximum size of an update in a request, in bytes, with the comma after it. */
export function countUpdateBytes(arena: ItemArena, { profile, events, attributes }: Update): number {
  // There is one comma per event: one between each two events, and one after the update.
  let bytes = UPDATE_FRAME_BYTES + arena.profiles.countIdBytes(profile) + Math.max(events.length, 1);
  for (const event of events) bytes += arena.countBytes(event);
  return attributes === undefined ? bytes : bytes + ATTRIBUTES_START.length + attributes.json.length;
}

/** Returns the JSON of a request, which is an array of updates. The JSON of each event is copied unchanged. */
export function buildRequestBody(arena: ItemArena, updates: readonly Update[]): Buffer {
  let length = 2;
  for (const update of updates) length += countUpdateBytes(arena, update);
  const body = Buffer.allocUnsafeSlow(length);
  const view = viewOf(body);
  let to = 0;
  body[to++] = OPENING_BRACKET;
  for (const { profile, events, attributes } of updates) {
    if (to > 1) body[to++] = COMMA;
    to = arena.profiles.copyId(profile, body, UPDATE_START.write(view, to));
    // Empty attributes are left out, because it is unknown whether Batch accepts an empty object.
    if (attributes !== undefined && attributes.json.length > 0) {
      to = ATTRIBUTES_START.write(view, to);
      to += attributes.json.copy(body, to);
    }
    if (events.length === 0) {
      to = EVENTLESS_END.write(view, to);
      continue;
    }
    to = EVENTS_START.write(view, to);
    for (let index = 0; index < events.length; index += 1) {
      if (index > 0) body[to++] = COMMA;
      to = arena.copy(events[index] ?? 0, body, to);
    }
    to = UPDATE_END.write(view, to);
  }
  body[to++] = CLOSING_BRACKET;
  return body.subarray(0, to);
}
