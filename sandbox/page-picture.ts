import { mkdir, writeFile } from 'node:fs/promises';
import { chromium, type Page } from 'playwright-core';
import { CHROMIUM } from '../integration_tests/support/chromium.ts';
import { BatchApi } from './batch-api/server.ts';
import { say } from './say.ts';

/**
 * `npm run page-picture`: takes the pictures of the sandbox's page for the README, in light and dark. Its data and clock are
 * the same each time, so a picture only changes with the page, or with the browser and its fonts.
 */

const FOLDER = new URL('../docs/images/', import.meta.url);
const SIZE = { width: 1180, height: 868 };

const KEYS = { projectKey: 'project_picture', restApiKey: 'picture-key' };
const START = Date.parse('2026-11-30T09:30:00Z');

/** How often each event occurs in the pictures; the last one is refused for its age. */
const EVENTS: readonly [name: string, count: number, minutesAgo: number][] = [
  ['view_item', 1_312, 2],
  ['add_to_cart', 486, 3],
  ['order_paid', 174, 1],
  ['order_cancelled', 9, 5],
  ['newsletter_opened', 23, 3_000],
];

const ITEMS = ['linen shirt', 'rain coat', 'wool socks', 'canvas bag', 'straw hat'];
const CITIES = ['Lyon', 'Paris', 'Nantes', 'Lille'];
const PROFILES = 160;
const UPDATES_IN_A_CALL = 100;

let now = START;
const api = await BatchApi.start({ ...KEYS, now: () => now, limits: { updateRate: 100_000, updateBurst: 100_000 } });
try {
  await sendAll();
  await takePictures();
} finally {
  await api.close();
}

async function sendAll(): Promise<void> {
  await send(
    Array.from({ length: PROFILES }, (_, index) => ({ ...profileOf(index), attributes: attributesOf(index) })),
  );
  const rows = EVENTS.flatMap(([name, count, minutesAgo]) => Array(count).fill({ name, minutesAgo }));
  // A step that has no divisor in common with the number of rows: mixes the events, in the same order each time.
  const mixed = rows.map((_, index) => rows[(index * 619) % rows.length]);
  for (let from = 0; from < mixed.length; from += UPDATES_IN_A_CALL) {
    now += 1_500;
    await send(
      mixed.slice(from, from + UPDATES_IN_A_CALL).map(({ minutesAgo, name }, place) => {
        const index = from + place;
        const time = new Date(now - minutesAgo * 60_000 - (index % 60) * 1_000).toISOString();
        return { ...profileOf(index), events: [{ name, time, attributes: eventAttributes(index) }] };
      }),
    );
  }
}

function profileOf(index: number): { identifiers: { custom_id: string } } {
  return { identifiers: { custom_id: `customer-${1_000 + ((index * 37) % PROFILES)}` } };
}

function attributesOf(index: number): Record<string, unknown> {
  return {
    $language: index % 3 === 0 ? 'en' : 'fr',
    city: CITIES[index % CITIES.length],
    loyalty_points: 40 + ((index * 29) % 900),
    interests: [ITEMS[index % ITEMS.length], ITEMS[(index + 2) % ITEMS.length]],
    'date(birthday)': `19${70 + (index % 30)}-0${1 + (index % 9)}-12T00:00:00Z`,
  };
}

function eventAttributes(index: number): Record<string, unknown> {
  return {
    item: ITEMS[index % ITEMS.length],
    quantity: 1 + (index % 3),
    price: 9.9 + (index % 70),
    // Some are blank, which Batch refuses.
    ...(index % 5 === 0 && { coupon: index % 45 === 0 ? ' ' : 'WELCOME10' }),
  };
}

async function send(updates: readonly unknown[]): Promise<void> {
  const response = await fetch(`${api.url}/2.11/profiles/update`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${KEYS.restApiKey}`,
      'x-batch-project': KEYS.projectKey,
      'content-type': 'application/json',
    },
    body: JSON.stringify(updates),
  });
  if (response.status !== 202) throw new Error(`The sandbox answered with ${response.status}.`);
}

async function takePictures(): Promise<void> {
  if (CHROMIUM === undefined) throw new Error('There is no Chromium. Install chromium, or set CHROMIUM_PATH.');
  await mkdir(FOLDER, { recursive: true });
  // As root, Chromium has no sandbox of its own; a container may have little shared memory.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--hide-scrollbars', '--disable-partial-raster'];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args });
  try {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ viewport: SIZE, colorScheme, reducedMotion: 'reduce' });
      await page.goto(api.url);
      // The last part that appears.
      await page.locator('#event pre').waitFor();
      const file = new URL(`sandbox-page-${colorScheme}.webp`, FOLDER);
      const picture = await takePicture(page);
      await writeFile(file, picture);
      say(`${file.pathname}  ${picture.length} bytes`);
    }
  } finally {
    await browser.close();
  }
}

/** Playwright itself takes pictures only as PNG or JPEG, which need twice the bytes. */
async function takePicture(page: Page): Promise<Buffer> {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 90 });
  return Buffer.from(data, 'base64');
}
