import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { post, startApi, update } from '../../sandbox/batch-api/test-client.ts';
import { CHROMIUM } from '../support/chromium.ts';

// The page of the sandbox's Batch API in a real browser, while real calls come in.

function at(seconds: number): string {
  return new Date(Date.now() - 60_000 + seconds * 1_000).toISOString();
}

if (CHROMIUM === undefined) {
  process.stderr.write(
    'There is no Chromium on this machine, so the page of the sandbox is not tested. Install chromium, or set CHROMIUM_PATH.\n',
  );
}

/** The times of three events that arrive together, in this order. */
const TIMES = [at(20), at(10), at(30)] as const;

/** How long new data may take to appear, in milliseconds. */
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
    add = page.getByRole('button', { name: 'Add', exact: true });
    await page.goto(api.url);
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
  });

  let add: Locator;

  /** The row of a list that contains the text. */
  function row(list: string, text: string): Locator {
    return page.locator(`#${list} > li`).filter({ hasText: text }).first();
  }

  async function shown(text: string, where: Locator): Promise<void> {
    await expect.poll(() => where.textContent(), SOON).toContain(text);
  }

  /** Makes the page reload now, as it does when it becomes visible, instead of at its next second. */
  async function look(): Promise<void> {
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  }

  test('shows the api_url to use while there is no data', async () => {
    await shown(api.url, page.locator('#requests-none'));
    await shown('Live', page.locator('#connection'));
    await shown('No events yet', page.locator('#names-none'));
  });

  test('counts the events of each name, and shows the newest with their exact attributes', async () => {
    const events = ['view_item', 'purchase', 'view_item'].map((name, index) => {
      const attributes = `{"n":${index},"big":9007199254740993,"price":12.50}`;
      return `{"name":"${name}","time":"${TIMES[index]}","attributes":${attributes}}`;
    });
    await post(api, `[{"identifiers":{"custom_id":"ann"},"events":[${events.join(',')}]}]`);

    // Without a call of look, because the page reloads every second.
    await shown('view_item2', row('names', 'view_item'));
    await shown('purchase1', row('names', 'purchase'));
    await shown('n: 2, big: 9007199254740993, price: 12.50', row('events', 'view_item'));
    const [stored] = api.store.events();
    await shown(stored?.received_at.slice(0, 10) ?? '', row('events', 'ann'));

    await row('names', 'purchase').getByRole('button').click();
    await expect.poll(() => page.locator('#events > li').count(), SOON).toBe(1);
    await page.locator('#events summary').click();
    await shown(`Event time ${TIMES[1]}`, page.locator('#events > li'));
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => page.locator('#events > li').count(), SOON).toBe(3);
  });

  test('shows a profile with its events on a time line, and its attributes', async () => {
    await post(
      api,
      '[{"identifiers":{"custom_id":"ann"},"attributes":{"plan":"free","points":20.0,"date(a)":"2026-04-17T04:25:00Z"}}]',
    );
    await look();
    await shown('3 events, 3 attributes', row('profiles', 'ann'));
    const attributes = page.locator('#profile-attributes');
    await expect.poll(() => attributes.textContent(), SOON).toBe('date(a)"2026-04-17T04:25:00Z"plan"free"points20.0');

    const event = page.locator('#event');
    // The latest one is selected, by its own time.
    await shown(TIMES[2], event);
    expect(await page.locator('#time-line [role="option"]').count()).toBe(3);
    expect(await page.locator('#time-line .name').allTextContents()).toEqual(['purchase1 event', 'view_item2 events']);
    await page.locator('#time-line [role="option"]').filter({ hasText: 'purchase' }).click();
    await shown(TIMES[1], event);
    await shown('"price": 12.50', event);
    await page.keyboard.press('ArrowRight');
    await shown(TIMES[0], event);
    await page.keyboard.press('End');
    await shown(TIMES[2], event);
  });

  test('shows a request with its body and its answer', async () => {
    await post(api, '[]');
    await look();
    const request = row('requests', '400 malformed');
    await shown('0 updates · 0 events · 2 B', request);
    await request.locator('summary').click();
    await shown('"error_message": "The array is empty."', request.locator('pre').last());
    await post(api, `[${Array(21).fill('{"identifiers":{"custom_id":"ann"},"attributes":{"points":1.0}}').join(',')}]`);
    await look();
    const large = row('requests', '21 updates');
    await large.locator('summary').click();
    await shown('"points": 1.0', large.locator('pre').first());
    await shown('… and 1 update more', large.locator('pre').first());
    expect(await large.getByRole('link').getAttribute('href')).toBe('/_sandbox/requests/3/body');
    // An open row stays open when others arrive.
    expect(await request.locator('pre').last().isVisible()).toBe(true);
  });

  test('groups rejections by reason, with examples', async () => {
    await post(api, [update('ann', { note: ' ' }), update(' ben ', { note: 'x'.repeat(301) })]);
    await look();
    const rejection = row('rejections', 'more than 300');
    await shown('1attribute note: a string of more than 300 characters', rejection);
    await rejection.locator('summary').first().click();
    await rejection.locator('.example').click();
    // The spaces of a custom_id can be seen.
    await shown('" ben "', rejection.locator('.example'));
    await shown('"custom_id": " ben "', rejection.locator('pre'));
    await shown('number 2 in request 5', rejection);

    await post(api, [update('cem', { note: 'y'.repeat(999) })]);
    await look();
    await shown('2attribute note', rejection);
    // The example stays open when others arrive.
    expect(await rejection.locator('pre').last().isVisible()).toBe(true);
    await shown('202 partly accepted', row('requests', '2 rejected'));
    expect(await page.locator('#counts a').allTextContents()).toEqual(['3']);
  });

  test('has tabs: a fault is added by its button, and makes the next requests fail', async () => {
    await page.getByRole('tab', { name: 'Faults' }).click();
    expect(await page.locator('#received').isVisible()).toBe(false);
    const plot = page.locator('#rates figure[data-endpoint="update"] svg');
    await expect.poll(() => plot.getAttribute('aria-label'), SOON).not.toContain('1000 at the lowest');

    await page.getByRole('combobox', { name: 'Fault' }).selectOption('HTTP 503: maintenance');
    await page.getByRole('spinbutton', { name: 'Requests' }).fill('2');
    expect(api.faults.list()).toEqual([]);
    await add.click();
    await shown('HTTP 503: maintenancethe next 2 requests', page.locator('#fault-list'));
    expect((await post(api, [update('cem')])).status).toBe(503);
    await look();
    await shown('HTTP 503: maintenancethe next request', page.locator('#fault-list'));
    expect((await post(api, [update('cem')])).status).toBe(503);
    await look();
    await expect.poll(() => page.locator('#fault-none').isVisible(), SOON).toBe(true);
    await shown('an added fault', row('requests', '503'));
  });

  test('adds every other fault, and removes all', async () => {
    await page.getByRole('spinbutton', { name: 'Requests' }).fill('1');
    const labels = await page.locator('#fault-kind option').allTextContents();
    for (const [index, label] of labels.entries()) {
      await page.getByRole('combobox', { name: 'Fault' }).selectOption(label);
      for (const [field, value] of [
        ['seconds', '0.5'],
        ['text', 'a < b'],
      ] as const) {
        const input = page.locator(`#fault-${field}`);
        if (await input.isVisible()) await input.fill(value);
      }
      await add.click();
      await expect.poll(() => api.faults.list().length, SOON).toBe(index + 1);
    }
    await shown('HTTP 400 if the body contains a < b', page.locator('#fault-list'));
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
    await page.getByRole('button', { name: 'Remove all' }).click();
    await expect.poll(() => api.faults.list(), SOON).toEqual([]);
    await page.getByRole('tab', { name: 'Received' }).click();
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
    await shown(script, page.locator('#profile-attributes dd'));
    await shown(image, row('names', image));
    await shown(script, row('events', image));
    await row('rejections', `unknown: ${image}`).locator('summary').first().click();
    await shown(script, row('rejections', `unknown: ${image}`).locator('pre'));
    await page.locator('#requests summary').first().click();
    await shown(script, page.locator('#requests pre').first());
    expect(await page.locator('body img, body script').count()).toBe(0);
    expect(await page.title()).toBe('Batch API sandbox');
  });

  test('shows some of very many profiles and events, and finds any', async () => {
    await page.getByLabel('Search custom_id').fill('');
    for (let n = 0; n < 50_000; n += 1) {
      const events = ['a', 'b'].map((name) => ({ name, json: `{"name":"${name}"}` }));
      api.store.add({ customId: `customer-${n}`, attributes: {}, events }, new Date().toISOString());
    }
    await post(api, [update('the last')]);
    await look();
    await shown('the last', row('profiles', 'the last'));
    expect(await page.locator('#profiles > li').count()).toBe(50);
    await page.getByLabel('Search custom_id').fill('customer-31');
    await shown('1,111 of', page.locator('#profiles-total'));
    // The exact match is the first one.
    await page.locator('#profiles button').first().click();
    await expect.poll(() => page.locator('#profile-id').textContent(), SOON).toBe('customer-31');
    await expect.poll(() => page.locator('#time-line [role="option"]').count(), SOON).toBe(2);
  });

  test.each([400, 1280])('nothing overflows at a width of %i', async (width) => {
    await page.setViewportSize({ width, height: 800 });
    for (const tab of ['Faults', 'Received']) {
      await page.getByRole('tab', { name: tab }).click();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    }
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
