import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { troubleshootingPage } from './help-pages.ts';

test('the page of a code exists in this repository', () => {
  const [, path] = /\/blob\/main\/(.+)$/.exec(troubleshootingPage('unexpected_fault')) ?? [];
  expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toMatch(/^# unexpected_fault\n/);
});
