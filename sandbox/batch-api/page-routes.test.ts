import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchApi } from './server.ts';
import { ask, startApi } from './test-client.ts';

let api: BatchApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

test('the page needs no key, and is not counted as a request', async () => {
  const { headers, status, text } = await ask(api, 'GET', '/');
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(text).toMatch(/^<!doctype html>/);
  expect(api.stats.requests).toBe(0);
});

const types: Record<string, string> = {
  css: 'text/css',
  html: 'text/html',
  js: 'text/javascript',
  svg: 'image/svg+xml',
};
const files = readdirSync(new URL('./page', import.meta.url)).filter((name) => !/^tsconfig|\.d\.ts$/.test(name));

test.each(files)('%s is one of its files', async (name) => {
  const { headers, status } = await ask(api, 'GET', `/_sandbox/page/${name}`);
  expect(status).toBe(200);
  expect(headers['content-type']).toContain(types[name.split('.').at(-1) ?? '']);
  expect(headers['x-content-type-options']).toBe('nosniff');
});

test('the page allows no other origin, no inline script or style, and no markup from a script', async () => {
  const { headers } = await ask(api, 'GET', '/');
  const policy = String(headers['content-security-policy']).split('; ');
  expect(policy).toEqual(expect.arrayContaining(["default-src 'none'", "require-trusted-types-for 'script'"]));
  expect(policy.join()).not.toMatch(/unsafe|\*|http|data:/);
});

test.each([
  'nothing.js',
  'tsconfig.json',
  '..%2Fserver.ts',
  '..%2Fserver.js',
  '..%2F..%2F..%2Fpackage.json',
  '%2Fetc%2Fpasswd',
  '.js',
  'page.css%00.js',
  '',
])('/_sandbox/page/%s does not exist', async (name) => {
  const { headers, status, text } = await ask(api, 'GET', `/_sandbox/page/${name}`);
  expect([status, headers['content-type']]).toEqual([404, 'application/json; charset=utf-8']);
  expect(JSON.parse(text)).toEqual({ error: `There is no GET /_sandbox/page/${name}.` });
});
