import type { RoleColumns } from '../config/mapping.ts';
import type { ValueKind } from './attribute-value.ts';
import type { ResolvedColumn } from './rules.ts';

/** What a column is to an event. */
export type ColumnUse =
  | { kind: 'profile' | 'event_name' | 'event_time' | 'not_sent' }
  /** `name` as it is sent, `date(x)` and the like with the type. */
  | { kind: 'attribute'; name: string; valueKind: ValueKind };

export function describeResolvedColumn({ column, attribute }: ResolvedColumn, roles: RoleColumns): ColumnUse {
  if (column === roles.customId) return { kind: 'profile' };
  if (column === roles.eventName) return { kind: 'event_name' };
  if (column === roles.eventTime) return { kind: 'event_time' };
  if (attribute === undefined) return { kind: 'not_sent' };
  const { name, kind } = attribute;
  return { kind: 'attribute', name: name.jsonKey.slice(1, -2), valueKind: kind };
}
