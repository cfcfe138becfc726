import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { splitLink } from '../../src/protocol/help-pages.ts';

const PAGES = new URL('../../docs/troubleshooting/', import.meta.url);

/** What differs in each run, and its replacements. The pages use example names for servers and users. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/\s+/g, ' '],
  [new RegExp(`${join(tmpdir(), 'clickhouse-to-batch-test-')}\\w+/\\d+/`, 'g'), ''],
  [
    /(?:https?:\/\/)?(?:127\.0\.0\.1|203\.0\.113\.7|api\.batch\.com|(?:[\w-]+\.+)+(?:example\.com|internal))(?::\d+)?/g,
    'ADDRESS',
  ],
  [/\bbatch_(?:reader|sync)\w*/g, 'USER'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z|\d{8}T\d{6}Z-[0-9a-f]{8}/g, 'STAMP'],
  [/SHA256:[\w+/…]+/g, 'FINGERPRINT'],
  // The names of files until they are complete.
  [/\.json\.\d+/g, '.json.NUMBER'],
  [/(clickhouse-to-batch-)\w{6}\b/g, '$1XXXXXX'],
];

/** Names of a case, and the names on its page. */
export type Replaced = readonly (readonly [name: string | RegExp, onPage: string])[];

export function page(code: string): string {
  return readFileSync(new URL(`${code}.md`, PAGES), 'utf8');
}

/** The messages that a page shows. */
export function quotesOn(code: string): string[] {
  const quotes = page(code).match(/(?:^>.*\n)+/gm) ?? [];
  return quotes.map((quote) => quote.replaceAll(/^> ?/gm, '').trim());
}

/** A printed message leads to the page of its code, which quotes it word for word. Returns the quote. */
export function expectOnPage(code: string, printed: string, replaced: Replaced = [], linked = code): string {
  const { message, code: link } = splitLink(printed.trim());
  expect([link, printed]).toEqual([linked, printed]);
  const said = withoutNames(message, replaced);
  const quotes = quotesOn(code);
  const found = quotes.find((quote) => withoutNames(quote) === said);
  if (found !== undefined) return found;
  expect(said).toBe(quotes.map((quote) => withoutNames(quote)).join('\n'));
  throw new Error(`${code} has no message.`);
}

function withoutNames(message: string, replaced: Replaced = []): string {
  return [...replaced, ...NAMES].reduce((text, [name, onPage]) => text.replaceAll(name, onPage), message).trim();
}
