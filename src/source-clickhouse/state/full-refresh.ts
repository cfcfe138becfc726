import { z } from 'zod';
import type { ConfiguredStream } from '../../protocol/catalog.ts';

/** The ids of a full refresh, as stored in its state. All attempts of one sync have the same ids. The next sync has new ones. */
export const refreshSchema = z.object({ generation_id: z.int(), sync_id: z.int() });

export type Refresh = z.output<typeof refreshSchema>;

/** Returns the full refresh that a run belongs to, or undefined for an incremental read or a catalog without ids. */
export function findRefresh({ sync_mode, generation_id, sync_id }: ConfiguredStream): Refresh | undefined {
  if (sync_mode !== 'full_refresh' || generation_id == null || sync_id == null) return undefined;
  return { generation_id, sync_id };
}

/**
 * Returns the state that a run continues from. An incremental read continues from any state. A full refresh continues only from
 * a state of an earlier attempt of the same sync, because the destination then has the earlier rows in the same generation. From
 * any other state, it would skip rows that the user asked for.
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
