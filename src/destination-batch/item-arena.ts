import { ByteArena } from './byte-arena.ts';
import { ProfileTable } from './profile-table.ts';

/**
 * Holds all items that are not settled, and their profiles. An item is an event, or a row with attributes. An event is written
 * once, and is copied only into the body of its request.
 */
export class ItemArena extends ByteArena {
  readonly profiles = new ProfileTable();
}
