import { getNodeValue, type Node, type ParseError, parseTree } from 'jsonc-parser';

/** The JSON that a value must become, or its meaning if the text is not fixed. */
export type Leaving =
  /** Exactly this JSON: the digits of an integer or a decimal, true, false, null. */
  | { kind: 'exactly'; json: string }
  /** A string; `same` converts strings with the same meaning to one form, such as those of an address. */
  | { kind: 'text'; text: string; same?: (text: string) => string }
  /** A number that equals this one after rounding to the width of its type, as a reader does. */
  | { kind: 'number'; value: number; rounded: (value: number) => number }
  /** A NaN or an infinity: null, and reported in the meta of the record. `word` is its name as the key of a Map. */
  | { kind: 'non_finite'; word: string }
  | { kind: 'list'; items: readonly Leaving[] }
  /** In this order, and with duplicate keys. */
  | { kind: 'object'; entries: readonly (readonly [key: Leaving, value: Leaving])[] }
  /** JSON in the server's own form, of which only the meaning counts. */
  | { kind: 'json'; value: unknown };

/** What is wrong with the JSON of a value; undefined if it is correct. */
export function faultOf(json: string, expected: Leaving): string | undefined {
  const errors: ParseError[] = [];
  const node = parseTree(json, errors, { disallowComments: true });
  if (node === undefined || errors.length > 0) return `is no JSON: ${json}`;
  return fault(node, json, expected);
}

function fault(node: Node, json: string, expected: Leaving): string | undefined {
  const text = json.slice(node.offset, node.offset + node.length);
  const wrong = (what: string): string => `is ${text} instead of ${what}`;
  switch (expected.kind) {
    case 'exactly':
      return text === expected.json ? undefined : wrong(expected.json);
    case 'non_finite':
      return text === 'null' ? undefined : wrong('null');
    case 'text':
      return node.type === 'string' && isSameText(node.value, expected)
        ? undefined
        : wrong(JSON.stringify(expected.text));
    case 'number':
      return node.type === 'number' && Object.is(expected.rounded(Number(text)), expected.value)
        ? undefined
        : wrong(String(expected.value));
    case 'json':
      return canonical(getNodeValue(node)) === canonical(expected.value) ? undefined : wrong(canonical(expected.value));
    case 'list':
      if (node.type !== 'array') return wrong('a list');
      if (node.children?.length !== expected.items.length) return wrong(`a list of ${expected.items.length}`);
      return first(node.children, (item, index) => {
        const wanted = expected.items[index];
        return wanted && prefixed(`[${index}]`, fault(item, json, wanted));
      });
    case 'object':
      if (node.type !== 'object') return wrong('an object');
      if (node.children?.length !== expected.entries.length) return wrong(`an object of ${expected.entries.length}`);
      return first(node.children, (pair, index) => {
        const [key, value] = pair.children ?? [];
        const [wantedKey, wanted] = expected.entries[index] ?? [];
        if (key === undefined || value === undefined || wantedKey === undefined || wanted === undefined)
          return 'no pair';
        const wantedText = asKey(wantedKey);
        if (!isSameText(key.value, wantedText))
          return `has the key ${JSON.stringify(key.value)} instead of ${JSON.stringify(wantedText.text)}`;
        return prefixed(`.${key.value}`, fault(value, json, wanted));
      });
  }
}

/** Whether a value contains a NaN or an infinity. Keys do not count, because they are sent as strings. */
export function holdsNonFinite(value: Leaving): boolean {
  switch (value.kind) {
    case 'non_finite':
      return true;
    case 'list':
      return value.items.some(holdsNonFinite);
    case 'object':
      return value.entries.some(([, inner]) => holdsNonFinite(inner));
    default:
      return false;
  }
}

type Text = Extract<Leaving, { kind: 'text' }>;

/** A value as the key of an object. */
function asKey(value: Leaving): Text {
  switch (value.kind) {
    case 'text':
      return value;
    case 'exactly':
      return { kind: 'text', text: value.json };
    case 'non_finite':
      return { kind: 'text', text: value.word };
    case 'number': {
      const same = (text: string): string => canonicalNumber(value.rounded(Number(text)));
      return { kind: 'text', text: canonicalNumber(value.value), same };
    }
    default:
      throw new Error(`A ${value.kind} is no key.`);
  }
}

/** String() drops the sign of -0. */
function canonicalNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function isSameText(text: string, { text: wanted, same = (it) => it }: Text): boolean {
  return same(text) === same(wanted);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function first<T>(items: readonly T[], look: (item: T, index: number) => string | undefined): string | undefined {
  for (const [index, item] of items.entries()) {
    const found = look(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

function prefixed(place: string, what: string | undefined): string | undefined {
  return what && `${place} ${what}`;
}
