import { z } from 'zod';
import type { ConfiguredStream } from '../../protocol/catalog.ts';
import { isJsonObject } from '../../shared/exact-json.ts';
import type { AttributeName } from './attribute-name.ts';
import type { ValueKind } from './attribute-value.ts';

type NumberType = 'float' | 'integer';

/** The types that the catalog declares for the numbers in an object, or in the objects of an array. */
export type MemberTypes = {
  named: ReadonlyMap<string, NumberType | MemberTypes>;
  /** The type of all other members, such as those of a Map. */
  others: NumberType | MemberTypes | undefined;
};

/** The types in the catalog that change how the values of a column are read and sent. */
export type ColumnType = 'date_time' | NumberType | MemberTypes;

export type ColumnTypes = ReadonlyMap<string, ColumnType>;

/** The maximum nesting of a type. Values that are nested deeper are not sent with the default limits. */
const MAX_DEPTH = 20;

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
  if (kind !== 'untyped') return kind;
  if (isPlainText) return 'text';
  return type === 'float' || type === 'integer' ? type : 'untyped';
}

/**
 * Returns the columns that the catalog declares as timestamps or numbers, or as objects with numbers. Their type is needed
 * because some sources write a timestamp without its time zone, or a number as a string, and because JSON doesn't say whether
 * 23 is an integer or a float.
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

/** Returns the type of a member of an object; undefined if its numbers are sent as they came. */
export function findMemberType({ named, others }: MemberTypes, key: string): NumberType | MemberTypes | undefined {
  return named.get(key) ?? others;
}

function readColumnType(property: unknown): ColumnType | undefined {
  const { data } = propertySchema.safeParse(property);
  const isDateTime = data?.format === 'date-time' && readTypes(data).join() === 'string';
  return isDateTime ? 'date_time' : readNumberTypes(property, 0);
}

function readNumberTypes(property: unknown, depth: number): NumberType | MemberTypes | undefined {
  const { data } = propertySchema.safeParse(property);
  if (data === undefined || depth > MAX_DEPTH) return undefined;
  switch (readTypes(data).sort().join()) {
    case 'number':
    case 'integer,number':
      return 'float';
    case 'integer':
      return 'integer';
    case 'array': {
      const items = readNumberTypes(data.items, depth + 1);
      return typeof items === 'object' ? items : undefined;
    }
    case 'object':
      return readMemberTypes(data, depth + 1);
    default:
      // If the column may also contain strings, its strings are not converted to numbers, and its numbers are sent as they came.
      return undefined;
  }
}

function readMemberTypes(
  { properties, additionalProperties }: Record<string, unknown>,
  depth: number,
): MemberTypes | undefined {
  const named = new Map(
    Object.entries(isJsonObject(properties) ? properties : {}).flatMap(([name, property]) => {
      const type = readNumberTypes(property, depth);
      return type === undefined ? [] : [[name, type] as const];
    }),
  );
  const others = readNumberTypes(additionalProperties, depth);
  return named.size === 0 && others === undefined ? undefined : { named, others };
}

/** Returns the types of a schema other than null. */
function readTypes({ type }: z.output<typeof propertySchema>): string[] {
  return [type].flat().filter((each) => each !== 'null');
}
