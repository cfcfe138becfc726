import { readdirSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { MessageOutput } from '../../protocol/output.ts';
import { explain, proposeCodes } from './explain.ts';

/** The width of a narrow terminal. */
const COLUMNS = 80;

const PAGES = new URL('../../../docs/troubleshooting/', import.meta.url);

const CODES = readdirSync(PAGES)
  .map((name) => name.replace('.md', ''))
  .filter((name) => name !== 'README');

function page(name: string): string {
  return readFileSync(new URL(name, PAGES), 'utf8');
}

/** Runs `explain`, and returns its output and whether the code exists. */
async function explained(asked: string | undefined): Promise<{ isKnown: boolean; printed: string }> {
  const stream = new PassThrough();
  const context = { output: new MessageOutput(stream), stop: new AbortController().signal, now: () => 0 };
  const isKnown = await explain(context, asked);
  stream.end();
  return { isKnown, printed: await text(stream) };
}

describe('explain', () => {
  test.each([
    ['a code', 'table_missing'],
    ['a code of a rejection', 'custom_id_missing'],
    ['a code in capitals, between spaces', ' TABLE_MISSING '],
    ['a file', 'table_missing.md'],
    ['a link', 'https://github.com/x/y/blob/main/docs/troubleshooting/table_missing.md'],
    ['a link at the end of a sentence', 'https://github.com/x/y/blob/main/docs/troubleshooting/table_missing.md.'],
  ])('prints the page of %s unchanged', async (_, asked) => {
    const code = asked.includes('custom') ? 'custom_id_missing' : 'table_missing';
    expect(await explained(asked)).toEqual({ isKnown: true, printed: page(`${code}.md`) });
  });

  test('lists all codes without an argument, one per line', async () => {
    const { isKnown, printed } = await explained(undefined);
    expect(isKnown).toBe(true);
    expect(printed.split('\n').filter((line) => line.length > COLUMNS)).toEqual([]);
    expect([...printed.matchAll(/^ {2}(\w+) +\S/gm)].map(([, code]) => code).toSorted()).toEqual(CODES.toSorted());
    expect(printed).toMatch(/^ {2}table_missing {19}the database or the table is not there$/m);
  });

  test.each(['nonsense', '', '.', '../../package.json', 'README', 'readme'])(
    'rejects the unknown code "%s"',
    async (asked) => {
      const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      try {
        expect(await explained(asked)).toEqual({ isKnown: false, printed: '' });
        expect(stderr).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^Unknown code ".*Similar codes: /));
      } finally {
        stderr.mockRestore();
      }
    },
  );
});

test.each([
  ['tabel_missing', 'table_missing'],
  ['batch_key_refuse', 'batch_key_refused'],
  ['clickhouse_login_refused_', 'clickhouse_login_refused'],
  ['final', 'final_unsupported'],
  ['throw_if', 'throw_if_met'],
])('for %s, suggests %s first', (asked, proposed) => {
  expect(proposeCodes(asked, CODES)[0]).toBe(proposed);
  expect(proposeCodes(asked, CODES).length).toBeLessThanOrEqual(4);
});
