import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { REASON_CODES } from '../destination-batch/codes.ts';
import { DESTINATION_ERRORS } from '../destination-batch/errors.ts';
import { PROTOCOL_ERRORS } from '../protocol/errors.ts';
import { SYNC_ERRORS } from '../runner/errors.ts';
import { SOURCE_ERRORS } from '../source-clickhouse/errors/codes.ts';

/** The width of a narrow terminal. */
const COLUMNS = 80;

/** The maximum lines of a page. */
const MAX_LINES = 50;

const PAGES = new URL('../../docs/troubleshooting/', import.meta.url);

const ERRORS = { ...PROTOCOL_ERRORS, ...SOURCE_ERRORS, ...DESTINATION_ERRORS, ...SYNC_ERRORS };
const ERROR_CODES = [PROTOCOL_ERRORS, SOURCE_ERRORS, DESTINATION_ERRORS, SYNC_ERRORS].flatMap((table) =>
  Object.keys(table),
);
const CODES = [...ERROR_CODES, ...REASON_CODES];

const pages = readdirSync(PAGES).filter((name) => name !== 'README.md');

function page(name: string): string {
  return readFileSync(new URL(name, PAGES), 'utf8');
}

describe('the codes', () => {
  test('have no duplicates', () => {
    expect(CODES.filter((code, index) => CODES.indexOf(code) !== index)).toEqual([]);
  });

  // Retries depend on these types.
  test('are transient_error or system_error only for these', () => {
    const of = (type: string): string[] => Object.entries(ERRORS).flatMap(([code, its]) => (its === type ? code : []));
    expect(of('transient_error')).toEqual([
      'output_unwritable',
      'clickhouse_unreachable',
      'clickhouse_port_wrong',
      'clickhouse_cut_off',
      'clickhouse_busy',
      'ssh_unreachable',
      'ssh_target_unreachable',
      'table_changed',
      'batch_unreachable',
      'rejected_rows_unavailable',
      'rejected_rows_locked',
      'state_file_unwritable',
      'state_file_locked',
      'state_store_unreachable',
      'connector_not_started',
    ]);
    expect(of('system_error')).toEqual([
      'unexpected_fault',
      'clickhouse_query_failed',
      'input_broken',
      'state_file_changed',
      'connector_crashed',
      'rows_unaccounted',
    ]);
  });
});

describe('the pages', () => {
  test('exist for each code, and for nothing else', () => {
    expect(pages.toSorted()).toEqual(CODES.map((code) => `${code}.md`).toSorted());
  });

  test.each(pages)('%s has the three sections, in 80 columns', (name) => {
    const written = page(name);
    expect(written.split('\n')[0]).toBe(`# ${name.replace('.md', '')}`);
    expect(written.match(/^## .+$/gm)).toEqual(['## What was seen', '## What it likely means', '## What to do']);
    expect(written.split('\n').filter((line) => line.length > COLUMNS)).toEqual([]);
    expect(written.trimEnd().split('\n').length).toBeLessThanOrEqual(MAX_LINES);
    const sections = written.split(/^## .+$/m).slice(1);
    expect(sections.filter((section) => section.trim().length < COLUMNS / 2)).toEqual([]);
  });

  test.each(CODES)('%s quotes the message', (code) => {
    const [, seen = ''] = page(`${code}.md`).split(/^## .+$/m);
    expect(seen).toMatch(/^> \S/m);
  });

  test.each(REASON_CODES)('%s shows an example row', (code) => {
    const [, row = ''] = /```json\n([\s\S]+?)\n```/.exec(page(`${code}.md`)) ?? [];
    // A row that sets attributes of a profile has no event.
    expect(JSON.parse(row)).toHaveProperty(code === 'native_attribute_invalid' ? 'custom_id' : 'event_name');
  });

  test('are each listed once, and their links work', () => {
    const list = page('README.md');
    expect([...list.matchAll(/^- \[(\w+)\]\(\1\.md\): \S/gm)].map(([, code]) => code).toSorted()).toEqual(
      CODES.toSorted(),
    );
    const linked = pages.flatMap((name) => [...page(name).matchAll(/\]\((\w+)\.md\)/g)].map(([, code]) => code));
    expect(linked.filter((code) => !CODES.includes(code ?? ''))).toEqual([]);
  });
});
