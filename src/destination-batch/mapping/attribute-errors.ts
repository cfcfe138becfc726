import { isJsonObject } from '../../shared/exact-json.ts';
import type { AttributeCode, AttributeError } from '../codes.ts';

/** What a String column has for NULL, so that it is no fault of the row. */
export const BLANK = attributeError('text_blank', 'is a blank text');

export const MALFORMED = attributeError('text_malformed', 'is no valid Unicode (half of a surrogate pair)');
export const TOO_LARGE = attributeError('number_out_of_range', 'is larger than a double holds');
export const BEYOND_64_BITS = attributeError(
  'number_out_of_range',
  'is an integer beyond 64 bits. To send its digits, make it a text in a view, such as toString(c)',
);
export const NO_DATE = attributeError('date_invalid', 'is no RFC 3339 date with a zone, such as 2026-04-17T04:25:00Z');
export const NO_URL = attributeError('url_invalid', 'is no URL with scheme and host, such as https://example.com/a');
export const SEVERAL_LINES = attributeError(
  'text_multiline',
  'is a text of several lines, and Batch takes one line here',
);
export const NO_LABEL = attributeError('type_unsupported', 'is no text, which a label has to be');
export const NO_TAGS = attributeError(
  'type_unsupported',
  'is neither an array of texts nor the JSON text of one, which tags have to be',
);
export const NAME_TAKEN = attributeError(
  'name_taken',
  'has the same attribute name as another one of its event or object (x, date__x and url__x are one name)',
);

const LISTS = 'Batch takes arrays of texts alone or of objects alone';
const LIST_OF_SCALARS = attributeError(
  'array_of_unsupported_items',
  `is an array of numbers or booleans, and ${LISTS}. Make its items texts in a view, such as arrayMap(x -> toString(x), c)`,
);
const LIST_WITH_NULL = attributeError(
  'array_of_unsupported_items',
  `is an array with a NULL in it, and ${LISTS}. Take the NULLs out in a view, such as arrayFilter(x -> isNotNull(x), c)`,
);
const LIST_OF_LISTS = attributeError(
  'array_of_unsupported_items',
  `is an array of arrays, and ${LISTS}. Make one array of it in a view, such as arrayFlatten(c), or a text, such as toJSONString(c)`,
);
const LIST_OF_ALL_SORTS = attributeError(
  'array_of_unsupported_items',
  `is an array of items of several types, and ${LISTS}. Make its items texts in a view, such as arrayMap(x -> toString(x), c)`,
);

export function attributeError(code: AttributeCode, reason: string): AttributeError {
  return { code, reason };
}

/** An item that is left out would move the others to other places, so its list is left out. */
export function describeItemError(item: AttributeError | undefined): AttributeError | undefined {
  return item === undefined ? undefined : attributeError(item.code, `holds an item that ${item.reason}`);
}

/** Of a list whose items are not alike that is told, whatever else is wrong with one of them. */
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
