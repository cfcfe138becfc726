import { CLOSING_BRACKET, COMMA, OPENING_BRACKET } from '../../shared/ascii.ts';
import { BytePattern, viewOf } from '../../shared/byte-pattern.ts';
import type { EventArena } from '../event-arena.ts';
import type { Update } from './batcher.ts';

const UPDATE_START = new BytePattern('{"identifiers":{"custom_id":');
const EVENTS_START = new BytePattern('},"events":[');
const UPDATE_END = new BytePattern(']}');

/** The size of an update without its id and its events, in bytes. */
const UPDATE_FRAME_BYTES = UPDATE_START.length + EVENTS_START.length + UPDATE_END.length;

/** Returns the size of an update in a request, in bytes, with the comma after it. */
export function countUpdateBytes(arena: EventArena, { profile, events }: Update): number {
  // There is one comma per event: one between each two events, and one after the update.
  let bytes = UPDATE_FRAME_BYTES + arena.profiles.countIdBytes(profile) + events.length;
  for (const event of events) bytes += arena.countBytes(event);
  return bytes;
}

/** Returns the JSON of a request, which is an array of updates. The JSON of each event is copied unchanged. */
export function buildRequestBody(arena: EventArena, updates: readonly Update[]): Buffer {
  let length = 2;
  for (const update of updates) length += countUpdateBytes(arena, update);
  const body = Buffer.allocUnsafeSlow(length);
  const view = viewOf(body);
  let to = 0;
  body[to++] = OPENING_BRACKET;
  for (const { profile, events } of updates) {
    if (to > 1) body[to++] = COMMA;
    to = arena.profiles.copyId(profile, body, UPDATE_START.write(view, to));
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
