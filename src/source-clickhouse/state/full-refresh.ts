import { z } from 'zod';
import type { ConfiguredStream } from '../../protocol/catalog.ts';

/** The ids of a full refresh in its state. All attempts of one sync have the same ids; the next sync has others. */
export const refreshSchema = z.object({ generation_id: z.int(), sync_id: z.int() });

export type Refresh = z.output<typeof refreshSchema>;

/** The full refresh that a run belongs to; undefined for an incremental read, or if the catalog has no ids. */
export function findRefresh({ sync_mode, generation_id, sync_id }: ConfiguredStream): Refresh | undefined {
  if (sync_mode !== 'full_refresh' || generation_id == null || sync_id == null) return undefined;
  return { generation_id, sync_id };
}

/**
 * The state that a run continues from. An incremental read continues from any state. A full refresh continues only from a
 * state that an earlier attempt of the same sync wrote: then the destination has the rows before it, in the same
 * generation. From any other state it would skip rows that the user asked for.
 *
 * https://docs.airbyte.com/platform/understanding-airbyte/resumability
 */
export function chooseStoredState(
  configured: ConfiguredStream,
  stored: Record<string, unknown> | undefined,
): Record<string, unknown> | undefined {
  if (configured.sync_mode === 'incremental') return stored;
  const refresh = findRefresh(configured);
  const { data: written } = refreshSchema.safeParse(stored?.full_refresh);
  if (refresh === undefined || written === undefined) return undefined;
  return written.generation_id === refresh.generation_id && written.sync_id === refresh.sync_id ? stored : undefined;
}
