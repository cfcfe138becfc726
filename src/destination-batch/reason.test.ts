import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { REASON_CODES, troubleshootingPage } from './reason.ts';

const PAGES = new URL('../../docs/troubleshooting/', import.meta.url);

const pages = readdirSync(PAGES).filter((name) => name !== 'README.md');

test('each code has a page, and no page is without a code', () => {
  expect(pages.toSorted()).toEqual(REASON_CODES.map((code) => `${code}.md`).toSorted());
});

test.each(pages)('%s says what was seen, what it means and what to do, with a row, on one screen', (name) => {
  const page = readFileSync(new URL(name, PAGES), 'utf8');
  expect(page.split('\n')[0]).toBe(`# ${name.replace('.md', '')}`);
  expect(page.match(/^## .+$/gm)).toEqual(['## What was seen', '## What it likely means', '## What to do']);
  const example = /```json\n(.+)\n```/.exec(page)?.[1] ?? '';
  expect(JSON.parse(example)).toBeTypeOf('object');
  expect(page.trimEnd().split('\n').length).toBeLessThanOrEqual(26);
});

test('the list of the pages names each of them', () => {
  const list = readFileSync(new URL('README.md', PAGES), 'utf8');
  expect([...list.matchAll(/\]\((\w+)\.md\)/g)].map(([, code]) => code).toSorted()).toEqual(REASON_CODES.toSorted());
});

test('the page of a code is a file of this repository', () => {
  expect(troubleshootingPage('custom_id_missing')).toMatch(/\/docs\/troubleshooting\/custom_id_missing\.md$/);
});
