import type fc from 'fast-check';
import type { Leaving } from '../leaving-value.ts';

/** A value: its bytes for the server, and what must be sent for it. */
export type Drawn = { bytes: Buffer; leaving: Leaving };

export type DrawnType = {
  /** As CREATE TABLE accepts it. */
  name: string;
  /** What the parser must return for the name that the server reports. */
  parsed: Record<string, unknown>;
  value: fc.Arbitrary<Drawn>;
  /** The types around it that ClickHouse allows. */
  fits: readonly ('Nullable' | 'LowCardinality' | 'Map key' | 'Variant')[];
};

export const ANYWHERE = ['Nullable', 'LowCardinality', 'Map key', 'Variant'] as const;
export const NOT_LOW = ['Nullable', 'Map key', 'Variant'] as const;

export const exactly = (json: string): Leaving => ({ kind: 'exactly', json });
export const textLeaving = (text: string): Leaving => ({ kind: 'text', text });
