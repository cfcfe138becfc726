import { FileStateStore } from './file-store.ts';
import type { StateStore } from './store.ts';

/** Opens the store of a state. It is not read yet. @param location the path of the state file. */
export async function openStateStore(location: string): Promise<StateStore> {
  return new FileStateStore(location);
}
