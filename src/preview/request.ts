import type { DestinationConfiguration } from '../destination-batch/config/schema.ts';
import { UpdateBatcher } from '../destination-batch/delivery/batcher.ts';
import { createRoutes } from '../destination-batch/delivery/rate-limit.ts';
import { buildRequestBody } from '../destination-batch/delivery/request-body.ts';
import type { ItemArena } from '../destination-batch/item-arena.ts';
import type { MappedAttributes } from '../destination-batch/mapping/profile/profile-mapper.ts';
import type { MappedEvent } from '../destination-batch/mapping/rules.ts';

/** A request to Batch: its address, and its body in JSON. */
export type Request = { url: string; body: string };

/**
 * Builds the first request that `write` would send for these events and attributes of an arena; returns undefined if there are
 * none.
 */
export function buildFirstRequest(
  arena: ItemArena,
  mapped: readonly (MappedEvent | MappedAttributes)[],
  {
    api_url: address,
    api_version: version,
    endpoint,
    rate_limit,
    limits,
  }: Pick<DestinationConfiguration, 'api_url' | 'api_version' | 'endpoint' | 'rate_limit' | 'limits'>,
): Request | undefined {
  const { normal } = createRoutes({ endpoint, rate_limit });
  const batcher = new UpdateBatcher(arena, limits);
  for (const row of mapped) {
    if (row.kind === 'event') batcher.add(row.profile, row.event, row.isTimely);
    else for (const part of row.parts) batcher.addAttributes(row.profile, part);
  }
  const updates = batcher.take(normal.updatesPerRequest, limits.request_bytes);
  if (updates.length === 0) return undefined;
  const url = `${address.replace(/\/$/, '')}/${version}/${normal.endpoint.path}`;
  return { url, body: buildRequestBody(arena, updates).toString() };
}
