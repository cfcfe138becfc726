import fc from 'fast-check';

// Rows of profile attributes, as JSON strings. Each cell also states what it means, so the tests need not parse the JSON.

type JsonText = string;

/** What a cell means for its attribute: a new value, an edit of an array, no value at all, no change, or a broken rule. */
export type Meaning =
  | { kind: 'set'; value: JsonText; longest: number }
  | { kind: 'edit'; add: readonly string[]; remove: readonly string[]; longest: number }
  | { kind: 'none' | 'unchanged' | 'invalid' };

export type Cell = { column: string; json: JsonText; meaning: Meaning };

/** A row; `profile` is undefined if its custom_id is invalid. An event has no cells. */
export type RandomRow = { customId: JsonText; profile: string | undefined; cells: readonly Cell[]; isEvent: boolean };

const set = (json: JsonText, value = json, longest = 0): Omit<Cell, 'column'> => ({
  json,
  meaning: { kind: 'set', value, longest },
});
const none = (json: JsonText): Omit<Cell, 'column'> => ({ json, meaning: { kind: 'none' } });
const invalid = (json: JsonText): Omit<Cell, 'column'> => ({ json, meaning: { kind: 'invalid' } });

const lengthOf = (texts: readonly string[]): number => Math.max(0, ...texts.map(({ length }) => length));

const number = fc.constantFrom('0', '1', '2.0', '-0.10', '9007199254740993', '0.1234567890123456789', '1e5', '-7');
const text = fc.oneof(
  fc.stringMatching(/^[!-Z_-z][ -z]{0,19}$/),
  fc.constantFrom('é', '😀', '"q"', 'a\nb', '[draft]', '{oops'),
);
const items = fc.array(fc.constantFrom('x', 'y', 'z', 'longer than five'), { minLength: 1, maxLength: 4 });

/** As it is, or as a string that contains its JSON. */
const asTextToo = (json: fc.Arbitrary<JsonText>): fc.Arbitrary<JsonText> =>
  fc.tuple(json, fc.boolean()).map(([each, isText]) => (isText ? JSON.stringify(each) : each));

const array = fc.tuple(items, fc.boolean()).map(([list, isText]) => {
  const json = JSON.stringify(list);
  return set(isText ? JSON.stringify(json) : json, json, lengthOf(list));
});
const edit = fc
  .tuple(fc.option(items, { nil: [] }), fc.option(items, { nil: [] }), fc.boolean())
  .map(([add, remove, isText]): Omit<Cell, 'column'> => {
    const json = JSON.stringify({
      ...(add.length > 0 && { $add: add }),
      ...(remove.length > 0 && { $remove: remove }),
    });
    const isEmpty = add.length + remove.length === 0;
    return {
      json: isText ? JSON.stringify(json) : json,
      meaning: isEmpty ? { kind: 'unchanged' } : { kind: 'edit', add, remove, longest: lengthOf([...add, ...remove]) },
    };
  });
const nothing = fc.constantFrom('null', '""', '" "').map(none);
const plain = fc.oneof(
  { weight: 3, arbitrary: fc.oneof(number, fc.constantFrom('true', 'false')).map((json) => set(json)) },
  { weight: 4, arbitrary: text.map((each) => set(JSON.stringify(each), JSON.stringify(each), each.length)) },
  { weight: 3, arbitrary: array },
  { weight: 4, arbitrary: edit },
  { weight: 2, arbitrary: nothing },
  { weight: 1, arbitrary: asTextToo(fc.constant('[]')).map(none) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(
        ...[
          '[1]',
          '[{"a":"b"}]',
          '["x",null]',
          '{"a":1}',
          '{"$add":"x"}',
          '{"$add":["x"],"$set":["y"]}',
          '9223372036854775808',
        ],
        ...[JSON.stringify('x'.repeat(301)), JSON.stringify(Array(26).fill('x')), '"[1]"', '["x"," "]'],
      )
      .map(invalid),
  },
);
const date = fc.oneof(
  fc.constantFrom('2026-04-17T04:25:00Z', '1989-07-20T00:00:00.5Z').map((each) => set(`"${each}"`)),
  fc.constant(set('"2026-04-17"', '"2026-04-17T00:00:00Z"')),
  fc.constant(set('"2026-04-17T06:25:00+02:00"', '"2026-04-17T04:25:00Z"')),
  fc.constantFrom('"soon"', '17', '["2026-04-17"]').map(invalid),
  nothing,
);
const url = fc.oneof(fc.constant(set('"https://a.example/b"')), fc.constantFrom('"www"', 'true').map(invalid), nothing);
const native = (good: readonly JsonText[], bad: readonly JsonText[]) =>
  fc.oneof(
    fc.constantFrom(...good).map((json) => set(json)),
    fc.constantFrom(...bad).map(invalid),
    nothing,
  );

/** The cells of each column. Columns that differ only in capitals are the same attribute. */
const cells: Record<string, fc.Arbitrary<Omit<Cell, 'column'>>> = {
  a: plain,
  A: plain,
  b: plain,
  c: plain,
  event_name: plain,
  date__d: date,
  url__u: url,
  batch__language: native(['"fr"', '"EN"'], ['"fra"', '1']),
  batch__email_address: native(['"ana@example.com"'], ['"ana"', '["ana@example.com"]']),
  batch__email_marketing: native(['"subscribed"', '"unsubscribed"'], ['true', '"yes"']),
  batch__timezone: native(['"Europe/Paris"', '"UTC"'], ['"+01:00"']),
  batch__phone_number: native(['"+33612345678"'], ['"0612345678"']),
  batch__other: fc.constant(invalid('1')),
  'not a name': fc.constant(invalid('1')),
};

const cell = fc
  .constantFrom(...Object.keys(cells))
  .chain((column) => (cells[column] ?? plain).map((each): Cell => ({ column, ...each })));

const profile = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom('"p1"', '"p2"', '"p3"').map((customId) => [customId, customId.slice(1, 3)] as const),
  },
  { weight: 1, arbitrary: fc.constant(['7', '7'] as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('""', 'null', '"null"', '1.5').map((customId) => [customId, undefined] as const),
  },
);

export const randomAttributeRows: fc.Arbitrary<readonly RandomRow[]> = fc.array(
  fc
    .record({
      profile,
      cells: fc.uniqueArray(cell, { selector: ({ column }) => column, maxLength: 5 }),
      isEvent: fc.integer({ min: 0, max: 7 }).map((drawn) => drawn === 0),
    })
    .map((row) => ({ ...row, cells: row.isEvent ? [] : row.cells, customId: row.profile[0], profile: row.profile[1] })),
  { minLength: 1, maxLength: 60, size: 'max' },
);
