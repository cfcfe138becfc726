import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { post, startApi, update } from '../../sandbox/batch-api/test-client.ts';
import { CHROMIUM } from '../support/chromium.ts';

// The page of the sandbox's Batch API in a real browser, while real calls come in.

if (CHROMIUM === undefined) {
  process.stderr.write(
    'There is no Chromium on this machine, so the page of the sandbox is not tested. Install chromium, or set CHROMIUM_PATH.\n',
  );
}

/** How long something new may take to be seen, in milliseconds. */
const SOON = { timeout: 10_000, interval: 20 };

describe.skipIf(CHROMIUM === undefined)('the page', () => {
  let api: BatchApi;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const hosts = new Set<string>();

  beforeAll(async () => {
    // As root, Chromium has no sandbox of its own; a container may have little shared memory.
    const args = ['--no-sandbox', '--disable-dev-shm-usage'];
    [api, browser] = await Promise.all([startApi(), chromium.launch({ executablePath: CHROMIUM ?? '', args })]);
    page = await browser.newPage();
    page.setDefaultTimeout(SOON.timeout);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('request', (request) => hosts.add(new URL(request.url()).origin));
    await page.goto(api.url);
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
  });

  /** The row of a list that holds the text. */
  function row(list: string, text: string): Locator {
    return page.locator(`#${list} > li`).filter({ hasText: text }).first();
  }

  function at(seconds: number): string {
    return new Date(Date.now() - 60_000 + seconds * 1_000).toISOString();
  }

  async function shown(text: string, where: Locator): Promise<void> {
    await expect.poll(() => where.textContent(), SOON).toContain(text);
  }

  /** Has the page look now, as it does when it comes to the front, rather than at its next second. */
  async function look(): Promise<void> {
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  }

  test('shows the api_url to use while there is no data', async () => {
    await shown(api.url, page.locator('#requests-none'));
    await shown('Live', page.locator('#connection'));
    expect(await page.locator('#fault-none').isVisible()).toBe(true);
  });

  test('shows a profile with its events on a time line, with their times and exact attributes', async () => {
    const times = [at(20), at(10), at(30)];
    const [first, second, third] = times.map((time, index) => {
      const attributes = `{"n":${index},"big":9007199254740993,"price":12.50}`;
      return `{"name":"${index === 1 ? 'purchase' : 'view_item'}","time":"${time}","attributes":${attributes}}`;
    });
    await post(api, `[{"identifiers":{"custom_id":"ann"},"events":[${first},${second},${third}]}]`);

    // By itself, as it looks each second.
    await shown('3 events', row('profiles', 'ann'));
    const event = page.locator('#event');
    // Until another one is chosen it is the latest, by its own time.
    await shown(times[2] ?? '', event);
    expect(await page.locator('#time-line [role="option"]').count()).toBe(3);
    expect(await page.locator('#time-line .name').allTextContents()).toEqual(['purchase1 event', 'view_item2 events']);

    await page.locator('#time-line [role="option"]').filter({ hasText: 'purchase' }).click();
    await shown(times[1] ?? '', event);
    await shown('"big": 9007199254740993', event);
    const [stored] = api.store.events();
    await shown(stored?.received_at ?? '', event);
    await page.keyboard.press('ArrowRight');
    await shown(times[0] ?? '', event);
    await page.keyboard.press('End');
    await shown(times[2] ?? '', event);
  });

  test('shows a request with its answer', async () => {
    await post(api, '[]');
    await look();
    const request = row('requests', '400');
    await shown('0 updates · 0 events · 2 B', request);
    await request.locator('summary').click();
    await shown('"error_message": "The array is empty."', request.locator('pre'));
    await post(api, [update('ann')]);
    await look();
    await shown('4 events', row('profiles', 'ann'));
    // What is open stays so when others come.
    expect(await request.locator('pre').isVisible()).toBe(true);
  });

  test('shows a rejected update with its reason and JSON', async () => {
    await post(api, [update('ann'), update('ben', { note: 'x'.repeat(301) })]);
    await look();
    const rejected = row('rejected', 'ben');
    await shown('note: a string of 301 characters', rejected);
    await rejected.locator('summary').click();
    await shown('"custom_id": "ben"', rejected.locator('pre'));
    await shown('bulk_index 1 of request 4', rejected);
    await shown('1 partial error', row('requests', '2 updates'));
  });

  test('shows the tokens that were used', async () => {
    const plot = page.locator('#tokens figure[data-endpoint="update"] svg');
    const { used } = api.stats.tokens.update;
    expect(used).toBeGreaterThan(0);
    await expect.poll(() => plot.getAttribute('aria-label'), SOON).not.toContain('1000 at the lowest');
  });

  test('a click on a fault makes the next calls fail, and lists it', async () => {
    await page.getByLabel('Calls').fill('2');
    await page.getByRole('button', { name: '503' }).click();
    await shown('5032 calls', page.locator('#fault-list'));
    expect((await post(api, [update('cem')])).status).toBe(503);
    await look();
    await shown('5031 call', page.locator('#fault-list'));
    await shown('fault: status', row('requests', '503'));
    expect((await post(api, [update('cem')])).status).toBe(503);
    await look();
    await expect.poll(() => page.locator('#fault-none').isVisible(), SOON).toBe(true);
    expect((await post(api, [update('cem')])).status).toBe(202);
  });

  test('adds every other fault, and clears all', async () => {
    await page.getByLabel('Calls').fill('1');
    await page.getByLabel('Seconds (delay, hang)').fill('0.5');
    const buttons = await page.locator('#fault-buttons button').all();
    for (const [index, button] of buttons.entries()) {
      await button.click();
      await expect.poll(() => api.faults.list().length, SOON).toBe(index + 1);
    }
    await page.getByLabel('Bodies that contain').fill('a < b');
    await page.keyboard.press('Enter');
    await shown('400 for bodies that contain a < b', page.locator('#fault-list'));
    expect(api.faults.list()).toEqual([
      { kind: 'refuse_when', contains: 'a < b', status: 400 },
      { kind: 'status', status: 429, stored: false, times: 1 },
      { kind: 'status', status: 500, stored: false, times: 1 },
      { kind: 'status', status: 503, stored: false, times: 1 },
      { kind: 'status', status: 504, stored: true, times: 1 },
      { kind: 'delay', milliseconds: 500, times: 1 },
      { kind: 'hang', milliseconds: 500, stored: false, times: 1 },
      { kind: 'cut', stored: false, times: 1 },
      { kind: 'cut', stored: true, times: 1 },
      { kind: 'partial', bulk_index: 0, category: 'update', reason: expect.any(String), times: 1 },
      { kind: 'garbage', stored: false, times: 1 },
    ]);
    await page.getByRole('button', { name: 'Clear all' }).click();
    await expect.poll(() => api.faults.list(), SOON).toEqual([]);
  });

  test('shows hostile data as text everywhere', async () => {
    const image = `<img src=x onerror="document.title='run'">`;
    const script = `</pre></script><script>document.title='run'</script>`;
    api.changeLimits({ eventNamePattern: '.*' });
    const event = { name: image, attributes: { note: script } };
    await post(api, [
      { identifiers: { custom_id: image }, attributes: { note: script }, events: [event] },
      { identifiers: { custom_id: `${script}2` }, [image]: script },
    ]);
    await page.getByLabel('Search custom_id').fill('<IMG');
    await shown('1 of', page.locator('#profiles-total'));
    await row('profiles', image).getByRole('button').click();
    await shown(image, page.locator('#profile-id'));
    await shown(image, page.locator('#time-line'));
    await shown(script, page.locator('#event pre'));
    await page.locator('#profile-attributes summary').click();
    await shown(script, page.locator('#profile-attributes-text'));
    await row('rejected', `unknown: ${image}`).locator('summary').click();
    await shown(script, row('rejected', `unknown: ${image}`).locator('pre'));
    await page.getByLabel('Bodies that contain').fill(image);
    await page.keyboard.press('Enter');
    await shown(image, page.locator('#fault-list'));
    api.faults.clear();
    expect(await page.locator('body img, body script').count()).toBe(0);
    expect(await page.title()).toBe('Batch API sandbox');
  });

  test('shows some of very many profiles and events, and finds any', async () => {
    await page.getByLabel('Search custom_id').fill('');
    for (let n = 0; n < 50_000; n += 1) {
      const events = ['{"name":"a"}', '{"name":"b"}'];
      api.store.add({ customId: `customer-${n}`, attributes: {}, events }, new Date().toISOString());
    }
    await post(api, [update('the last')]);
    await look();
    await shown('the last', row('profiles', 'the last'));
    expect(await page.locator('#profiles > li').count()).toBe(50);
    await page.getByLabel('Search custom_id').fill('customer-31415');
    await shown('1 of', page.locator('#profiles-total'));
    await row('profiles', 'customer-31415').getByRole('button').click();
    await shown('customer-31415', page.locator('#profile-id'));
    await expect.poll(() => page.locator('#time-line [role="option"]').count(), SOON).toBe(2);
  });

  test.each([400, 1400])('nothing overflows at a width of %i', async (width) => {
    await page.setViewportSize({ width, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });

  test('shows a reset', async () => {
    await page.getByLabel('Search custom_id').fill('');
    api.reset();
    await look();
    await expect.poll(() => page.locator('#requests-none').isVisible(), SOON).toBe(true);
    await expect.poll(() => page.locator('#profile').isVisible(), SOON).toBe(false);
    expect(await page.locator('.rows > li').count()).toBe(0);
  });

  test('logs no error, and loads nothing from other servers', () => {
    expect(complaints).toEqual([]);
    expect([...hosts]).toEqual([api.url]);
  });

  // The last one, as the browser complains of this in its console.
  test('reports when the sandbox has stopped', async () => {
    await api.close();
    await shown('The sandbox does not answer. Trying again …', page.locator('#connection'));
  });
});
