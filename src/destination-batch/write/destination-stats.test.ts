import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyText } from '../../../sandbox/any-text.ts';
import { addDestinationStats } from './destination-stats.ts';

const counts = { accepted: 12, rejected: 3 };
const STATS = '"destinationStats":{"recordCount":12.0,"rejectedRecordCount":3.0}';

describe('I2: adds destinationStats, and every other byte is unchanged', () => {
  test.each([
    [
      'a state of a stream, with the id that the platform adds and digits that a parser would lose',
      '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"s"},"stream_state":{"x":9007199254740993,"y":2.0,"z":1e-400}}},"id": 7, "x": 9007199254740993, "y": 2.0}',
      `{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"s"},"stream_state":{"x":9007199254740993,"y":2.0,"z":1e-400}},${STATS}},"id": 7, "x": 9007199254740993, "y": 2.0}`,
    ],
    [
      'an id within the state',
      '{"type":"STATE","state":{"id": 7, "x": 9007199254740993, "y": 2.0}}',
      `{"type":"STATE","state":{"id": 7, "x": 9007199254740993, "y": 2.0,${STATS}}}`,
    ],
    [
      'a state of all streams',
      '{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":{"state":1},"stream_states":[]}}}',
      `{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":{"state":1},"stream_states":[]},${STATS}}}`,
    ],
    ['an empty state', '{"type":"STATE","state":{}}', `{"type":"STATE","state":{${STATS}}}`],
    ['an empty state with a space in it', '{"type":"STATE","state":{ }}', `{"type":"STATE","state":{ ${STATS}}}`],
    [
      'odd white space',
      ' {\t"type" :"STATE" ,\r"state"\t: { "a" : [ 1 , 2 ] }  } \r',
      ` {\t"type" :"STATE" ,\r"state"\t: { "a" : [ 1 , 2 ] ,${STATS}}  } \r`,
    ],
    [
      'escapes and letters of any language',
      '{"é😀":"\\u00e9\\/","type":"STATE","state":{"a":"\\u0041é😀\\ud83d"}}',
      `{"é😀":"\\u00e9\\/","type":"STATE","state":{"a":"\\u0041é😀\\ud83d",${STATS}}}`,
    ],
    ['a state whose name is in escapes', '{"st\\u0061te":{"a":1}}', `{"st\\u0061te":{"a":1,${STATS}}}`],
    [
      'a key "state" elsewhere before',
      '{"x":{"state":{"a":1}},"y":[{"state":{}}],"state":{"b":{"state":{}}},"type":"STATE"}',
      `{"x":{"state":{"a":1}},"y":[{"state":{}}],"state":{"b":{"state":{}},${STATS}},"type":"STATE"}`,
    ],
    [
      'a text that looks like the end of the state',
      '{"state":{"a":"}}\\"},"},"b":1}',
      `{"state":{"a":"}}\\"},",${STATS}},"b":1}`,
    ],
    [
      'stats of the source',
      '{"type":"STATE","state":{"sourceStats":{"recordCount":15.0}}}',
      `{"type":"STATE","state":{"sourceStats":{"recordCount":15.0},${STATS}}}`,
    ],
    [
      'stats of a destination, which are replaced where they stand',
      '{"state":{"a":1, "destinationStats" : {"recordCount":99.0,"additionalStats":{"b":[1]}} , "c":2}}',
      `{"state":{"a":1, "destinationStats" : ${STATS.slice(19)} , "c":2}}`,
    ],
    ['stats of a destination that are null', '{"state":{"destinationStats":null}}', `{"state":{${STATS}}}`],
    [
      'stats of something else within the state',
      '{"state":{"stream":{"destinationStats":{"recordCount":1.0}}}}',
      `{"state":{"stream":{"destinationStats":{"recordCount":1.0}},${STATS}}}`,
    ],
    ['two equal names in the state', '{"state":{"a":1,"a":2}}', `{"state":{"a":1,"a":2,${STATS}}}`],
  ])('%s', (_, line, expected) => {
    expect(addDestinationStats(line, counts)).toBe(expected);
  });
});

test.each([
  ['nothing', 0, 0, '{"recordCount":0.0,"rejectedRecordCount":0.0}'],
  ['a billion rows', 1_000_000_000, 1, '{"recordCount":1000000000.0,"rejectedRecordCount":1.0}'],
])('counts have a decimal point: %s', (_, accepted, rejected, expected) => {
  expect(addDestinationStats('{"state":{}}', { accepted, rejected })).toBe(
    `{"state":{"destinationStats":${expected}}}`,
  );
});

test.each([
  ['objects', 20_000, '{"a":', '1', '}'],
  ['lists', 200_000, '[', '', ']'],
])('adds them to a state nested deeper than the stack allows: %s', (_, levels, open, middle, close) => {
  const state = `"stream_state":{"b":${open.repeat(levels)}${middle}${close.repeat(levels)}}`;
  expect(addDestinationStats(`{"type":"STATE","state":{${state}},"id":1}`, counts)).toBe(
    `{"type":"STATE","state":{${state},${STATS}},"id":1}`,
  );
});

describe('a line without a state object is unchanged', () => {
  test.each([
    '{"type":"STATE"}',
    ...['null', '[]', '[1]', '"x"', '1', 'true', '12345678901234567890'].map(
      (state) => `{"type":"STATE","state":${state}}`,
    ),
  ])('%s', (line) => {
    expect(addDestinationStats(line, counts)).toBe(line);
  });
});

/** What a platform reads: of two equal names, the last. */
function statsRead(line: string): unknown {
  const message = JSON.parse(addDestinationStats(line, counts)) as { state: { destinationStats: unknown } };
  return message.state.destinationStats;
}

describe('a platform that uses the last of two equal keys reads the stats', () => {
  test.each([
    ['two states', '{"type":"STATE","state":{"a":1},"state":{"b":2}}'],
    [
      'two stats',
      '{"type":"STATE","state":{"destinationStats":{"recordCount":98.0},"destinationStats":{"recordCount":99.0}}}',
    ],
  ])('%s', (_, line) => {
    expect(statsRead(line)).toEqual({ recordCount: 12, rejectedRecordCount: 3 });
  });
});

test('I2: any state keeps its members in their order, and has the stats', () => {
  const space = fc.constantFrom('', ' ', '\t', '\r');
  const texts = anyText().map((text) => JSON.stringify(text));
  const names = fc.oneof(fc.constantFrom('"state"', '"st\\u0061te"', '"destinationStats"', '"id"'), texts);
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom('9007199254740993', '2.0', '-0', '1e400', 'null', 'true'),
      texts,
      fc
        .tuple(fc.array(tie('value'), { maxLength: 3 }), space)
        .map(([items, gap]) => `[${gap}${items.join(`${gap},`)}]`),
      tie('object'),
    ),
    object: fc
      .tuple(
        fc.uniqueArray(fc.tuple(names, tie('value')), { selector: ([name]) => JSON.parse(String(name)), maxLength: 4 }),
        space,
      )
      .map(
        ([entries, gap]) =>
          `{${gap}${entries.map(([name, value]) => `${name}${gap}:${gap}${value}`).join(`${gap},`)}${gap}}`,
      ),
  }));
  fc.assert(
    fc.property(
      json.object as fc.Arbitrary<string>,
      texts,
      json.value as fc.Arbitrary<string>,
      (state, name, other) => {
        fc.pre(JSON.parse(name) !== 'state');
        const line = `{${name}:${other}, "state" : ${state} ,"id":7}`;
        const expected = JSON.parse(line) as { state: object };
        const echoed = addDestinationStats(line, counts);
        expect(JSON.parse(echoed)).toEqual({
          ...expected,
          state: { ...expected.state, destinationStats: { recordCount: 12, rejectedRecordCount: 3 } },
        });
        // Without the added stats, it is the original line.
        if (!Object.hasOwn(expected.state, 'destinationStats')) {
          expect(echoed.replace(new RegExp(`,?${STATS.replaceAll(/[{}.]/g, '\\$&')}`), '')).toBe(line);
        }
      },
    ),
    { numRuns: 500 },
  );
});
