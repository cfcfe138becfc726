import { isJsonObject } from '../../shared/exact-json.ts';
import type { AttributeCode, AttributeError } from '../codes.ts';

/**
 * The error for a blank string. It never rejects a row, because String columns in ClickHouse often contain a blank
 * string instead of NULL.
 */
export const BLANK = attributeError('text_blank', 'is blank');

export const MALFORMED = attributeError('text_malformed', 'is not valid Unicode (half of a surrogate pair)');
export const TOO_LARGE = attributeError('number_out_of_range', 'is too large for a 64-bit float');
export const BEYOND_64_BITS = attributeError(
  'number_out_of_range',
  'is an integer of more than 64 bits. To keep its digits, convert it to a string in a view, for example with toString(c)',
);
export const NOT_INTEGER = attributeError(
  'number_not_integer',
  'has a fraction, but the catalog declares the column as an integer, and Batch has integers and floats as two types. If it contains floats, convert it in a view, for example with toFloat64(c), and refresh the schema',
);
export const NO_DATE = attributeError(
  'date_invalid',
  "is not an RFC 3339 date with a time zone, such as 2026-04-17T04:25:00Z. Convert it in a view, for example with parseDateTime64BestEffort(c, 3, 'Europe/Paris')",
);
export const NO_URL = attributeError(
  'url_invalid',
  'is not a URL with a scheme and a host, such as https://example.com/a',
);
export const SEVERAL_LINES = attributeError(
  'text_multiline',
  'has several lines, but Batch accepts only one line here',
);
export const NO_LABEL = attributeError('type_unsupported', 'is not a string, but a label must be a string');
export const NO_TAGS = attributeError(
  'type_unsupported',
  'is not valid for tags, which must be an array of strings or the JSON of an array of strings',
);
export const NAME_TAKEN = attributeError(
  'name_taken',
  'has the same name as another attribute of the row or object (x, date__x and url__x count as the same name)',
);

const LISTS = 'Batch accepts only arrays of strings or arrays of objects';
const LIST_OF_SCALARS = attributeError(
  'array_of_unsupported_items',
  `is an array of numbers or booleans, but ${LISTS}. Convert its items to strings in a view, for example with arrayMap(x -> toString(x), c)`,
);
const LIST_WITH_NULL = attributeError(
  'array_of_unsupported_items',
  `is an array that contains a NULL, but ${LISTS}. Remove the NULLs in a view, for example with arrayFilter(x -> isNotNull(x), c)`,
);
const LIST_OF_LISTS = attributeError(
  'array_of_unsupported_items',
  `is an array of arrays, but ${LISTS}. In a view, convert it to one array, for example with arrayFlatten(c), or to a string, for example with toJSONString(c)`,
);
const LIST_OF_ALL_SORTS = attributeError(
  'array_of_unsupported_items',
  `is an array of mixed types, but ${LISTS}. Convert its items to strings in a view, for example with arrayMap(x -> toString(x), c)`,
);

export function attributeError(code: AttributeCode, reason: string): AttributeError {
  return { code, reason };
}

/**
 * Returns the error of an array with an invalid item. The whole array is left out, because leaving out only the item
 * would change the positions of the items after it.
 */
export function describeItemError(item: AttributeError | undefined): AttributeError | undefined {
  return item === undefined ? undefined : attributeError(item.code, `contains an item that ${item.reason}`);
}

/**
 * If all items are strings, returns `otherwise`, which is the error of one item. If not, returns the error of the whole
 * array.
 */
export function preferMixedArrayError(
  values: unknown[],
  otherwise: AttributeError | undefined,
): AttributeError | undefined {
  return values.every((value) => typeof value === 'string') ? otherwise : explainMixedArray(values);
}

export function explainMixedArray(values: unknown[]): AttributeError {
  if (values.some(Array.isArray)) return LIST_OF_LISTS;
  if (values.some((value) => value === null)) return LIST_WITH_NULL;
  return values.every((value) => typeof value !== 'string' && !isJsonObject(value))
    ? LIST_OF_SCALARS
    : LIST_OF_ALL_SORTS;
}
