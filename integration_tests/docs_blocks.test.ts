import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { compact, Lab } from './docs_lab.ts';
import { type Block, type Page, pagesIn } from './docs_pages.ts';
import { ROOT } from './kubernetes_manifest.ts';

// What the pages tell their reader to type is typed here, page by page and in its order.

/** Commands of `bin/connector` that this build does not have yet. The rest of a section that begins with one is passed over. */
const NOT_IN_THIS_BUILD: readonly string[] = ['sync', 'preview', 'init', 'explain'];

/** Languages of blocks that can be run. */
const RUN = ['sh', 'bash', 'sql', 'json', 'python'];
/** Languages of blocks that are only shown. */
const SHOWN = ['', 'text', 'ini', 'crontab'];

/** What the reader of a page has before its first block. */
const EVENTS_TABLE = `CREATE DATABASE shop;
CREATE TABLE shop.events (custom_id String, event_name String, last_updated_at DateTime64(6) DEFAULT now64(6), price Decimal(9, 2))
ENGINE = MergeTree ORDER BY (last_updated_at, custom_id);
INSERT INTO shop.events (custom_id, event_name, price) VALUES ('u1', 'order_paid', 19.9), ('u2', 'order_paid', 5);`;
const SOURCE =
  '{"host": "localhost", "username": "batch_sync", "password": "…", "database": "shop", "table": "events"}';
const DESTINATION = '{"project_key": "project_…", "rest_api_key": "…"}';
const CATALOG =
  '{"streams": [{"stream": {"name": "events", "json_schema": {}, "supported_sync_modes": ["incremental"]}, "sync_mode": "incremental", "destination_sync_mode": "append"}]}';
const REJECTED_ROW =
  '{"type": "RECORD", "record": {"stream": "events", "emitted_at": 1, "data": {"custom_id": "u1", "event_name": "order_paid"}}, "rejection": {"code": "event_name_invalid"}}\n';

type Given = { files?: Record<string, string>; statements?: string[] };

const GIVEN: Record<string, Given> = {
  'README.md': { statements: [EVENTS_TABLE] },
  'docs/cron.md': {
    files: { 'source.json': SOURCE, 'destination.json': DESTINATION },
    statements: [EVENTS_TABLE],
  },
  'docs/destination-batch.md': {
    files: {
      'destination.json': DESTINATION,
      'catalog.json': CATALOG,
      'rejected/events-20260417T042500Z-1a2b3c4d.ndjson': REJECTED_ROW,
    },
  },
};

const PAGES = pagesIn('README.md', 'docs', 'deploy').filter(({ blocks }) => blocks.length > 0);

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.start();
});

afterAll(() => lab?.stop());

test('every block is run, shown, or says why it can not be run', () => {
  const others = PAGES.flatMap(({ path, blocks }) =>
    blocks
      .filter(({ language, mark, text }) => {
        // Nobody here has the packages of Python; its test is another.
        if (language === 'python') return mark.kind !== 'not run';
        return !RUN.includes(language) && (!SHOWN.includes(language) || looksLikeCommands(text));
      })
      .map(({ language, text }) => `${path}: ${language} ${text}`),
  );
  expect(others).toEqual([]);
});

describe('what a page tells its reader to do works:', () => {
  test.each(PAGES.map((page) => ({ name: page.path, page })))('$name', async ({ page }) => {
    await follow(page);
  });
});

async function follow({ path, blocks }: Page): Promise<void> {
  const { files, statements } = GIVEN[path] ?? {};
  const folder = await lab.folder(files, statements);
  const expectedEvents: string[] = [];
  let printed = '';
  let passedOver: string | undefined;
  for (const block of blocks) {
    if (needsAnotherBuild(block)) passedOver = block.section;
    if (block.section === passedOver) continue;
    const { mark, text } = block;
    if (mark.kind === 'not run') {
      if (block.language === 'sql') await lab.understand(text);
    } else if (mark.kind === 'file') {
      writeFileSync(join(folder, mark.name), lab.filledIn(text));
    } else if (mark.kind === 'prints') {
      expect(printed).toMatch(patternOf(text));
    } else if (mark.kind === 'what Batch gets') {
      expectedEvents.push(...text.split('\n').map(compact));
    } else if (block.language === 'sql') {
      await lab.execute(text);
    } else if (block.language === 'json') {
      if (!path.startsWith('docs/troubleshooting/')) expectConfiguration(lab.filledIn(text));
    } else if (block.language === 'sh' || block.language === 'bash') {
      printed = await lab.shell(text, folder, mark.kind === 'run until it prints' ? mark.text : undefined);
    }
  }
  if (expectedEvents.length > 0) expect((await lab.events(folder)).sort()).toEqual(expectedEvents.sort());
}

function needsAnotherBuild({ text }: Block): boolean {
  return NOT_IN_THIS_BUILD.some((command) => text.includes(`bin/connector ${command}`));
}

function looksLikeCommands(text: string): boolean {
  return /^\s*(\.?\/|bin\/|npm |npx |curl |docker |kubectl )/m.test(text);
}

/** The whole of what is printed, with … for anything within a line. */
function patternOf(text: string): RegExp {
  const literal = (part: string): string => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return new RegExp(`^${text.split('…').map(literal).join('.*')}\\n$`);
}

/** A configuration of one of the connectors, or some of its options. */
function expectConfiguration(text: string): void {
  const options = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  const fits = ['source-clickhouse', 'destination-batch'].map((connector) => {
    const { connectionSpecification } = z
      .object({ connectionSpecification: z.looseObject({ properties: z.looseObject({}) }) })
      .parse(JSON.parse(readFileSync(join(ROOT, `spec/${connector}.json`), 'utf8')));
    const schema = { ...connectionSpecification, required: [], additionalProperties: false };
    return new Ajv({ strict: false, validateFormats: false }).compile(schema)(options);
  });
  expect(fits, text).toContain(true);
}
