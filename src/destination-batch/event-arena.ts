import { ByteArena } from './byte-arena.ts';
import { ProfileTable } from './profile-table.ts';

/**
 * Holds the JSON of all events that are not settled, and their profiles. An event is written once, and is copied only into the body
 * of its request.
 */
export class EventArena extends ByteArena {
  readonly profiles = new ProfileTable();
}
