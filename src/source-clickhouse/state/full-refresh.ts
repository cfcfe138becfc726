import { z } from 'zod';
import type { ConfiguredStream } from '../../protocol/catalog.ts';

/** A full refresh, as its state names it: the attempts of one sync share the ids, and the next sync has others. */
export const refreshSchema = z.object({ generation_id: z.int(), sync_id: z.int() });

export type Refresh = z.output<typeof refreshSchema>;

/** The full refresh that a run is an attempt of; undefined for an incremental read, and when the catalog gives no ids. */
export function findRefresh({ sync_mode, generation_id, sync_id }: ConfiguredStream): Refresh | undefined {
  if (sync_mode !== 'full_refresh' || generation_id == null || sync_id == null) return undefined;
  return { generation_id, sync_id };
}

/**
 * The state that a run continues from. An incremental read continues from any. A full refresh continues only from a state
 * that an earlier attempt of the same sync wrote: the destination then has the rows before it, in the same generation.
 * From any other state it would read only a part of what the user asked for, or nothing.
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
