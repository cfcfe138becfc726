import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteIdentifier } from './sql.ts';

test.each([
  ['events', '`events`'],
  ['a b.c"d\'e', '`a b.c"d\'e`'],
  ['back`tick', '`back\\`tick`'],
  ['back\\slash', '`back\\\\slash`'],
  ['`; DROP TABLE x; --', '`\\`; DROP TABLE x; --`'],
  ['\\', '`\\\\`'],
  ['\\`', '`\\\\\\``'],
  ['', '``'],
  ['{stream:String}', '`{stream:String}`'],
  ['é€😀\n', '`é€😀\n`'],
])('quotes %j', (name, quoted) => {
  expect(quoteIdentifier(name)).toBe(quoted);
});

test('a quoted name of any characters can be parsed back', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('`', '\\', 'a', ' ', '"', "'", '\n', 'é') }), (name) => {
      const quoted = quoteIdentifier(name);
      // Between the backticks: what is escaped, and what is neither a backtick nor a backslash.
      expect(quoted).toMatch(/^`(\\[\\`]|[^\\`])*`$/);
      expect(quoted.slice(1, -1).replace(/\\(.)/g, '$1')).toBe(name);
    }),
  );
});
