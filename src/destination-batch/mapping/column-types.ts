import { z } from 'zod';
import type { ConfiguredStream } from '../../protocol/catalog.ts';
import type { AttributeName } from './attribute-name.ts';
import type { ValueKind } from './attribute-value.ts';

/** The types in the catalog that change how the values of a column are read. */
type ColumnType = 'date_time' | 'number';

export type ColumnTypes = ReadonlyMap<string, ColumnType>;

const propertySchema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]),
  format: z.string().optional(),
});

/**
 * Returns how the values of an attribute are converted.
 *
 * @param type the type of its column in the catalog.
 * @param isPlainText whether its strings are never sent as arrays or objects.
 */
export function resolveValueKind(
  { kind }: Pick<AttributeName, 'kind'>,
  type: ColumnType | undefined,
  isPlainText: boolean,
): ValueKind {
  if (kind === 'date') return type === 'date_time' ? 'date_time' : 'date';
  if (kind !== 'plain') return kind;
  if (isPlainText) return 'text';
  return type === 'number' ? 'number' : 'plain';
}

/**
 * Returns the columns that the catalog declares as timestamps or numbers. Their type is needed because some sources
 * write a timestamp without its time zone, or a number as a string.
 * https://docs.airbyte.com/platform/understanding-airbyte/supported-data-types
 */
export function readColumnTypes({ json_schema }: ConfiguredStream['stream']): ColumnTypes {
  return new Map(
    Object.entries(json_schema?.properties ?? {}).flatMap(([column, property]) => {
      const type = readColumnType(property);
      return type === undefined ? [] : [[column, type]];
    }),
  );
}

function readColumnType(property: unknown): ColumnType | undefined {
  const { data } = propertySchema.safeParse(property);
  if (data === undefined) return undefined;
  const types = [data.type].flat().filter((type) => type !== 'null');
  if (types.length === 0) return undefined;
  if (types.every((type) => type === 'string')) return data.format === 'date-time' ? 'date_time' : undefined;
  // If the column may also contain strings, its strings are not converted to numbers.
  return types.every((type) => type === 'number' || type === 'integer') ? 'number' : undefined;
}
