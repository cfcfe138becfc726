import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ROOT } from '../packaging/kubernetes-manifest.ts';
import { type Page, pagesIn } from './pages.ts';
import { compact, DocsRunner, type Given } from './runner.ts';
import { STATUS_FILES } from './status-page.ts';

// Runs the commands of the pages, page by page and in their order.

/** Languages of blocks that can be run. */
const RUN = ['sh', 'bash', 'sql', 'json', 'python'];
/** Languages of blocks that are only shown. */
const SHOWN = ['', 'text', 'ini', 'crontab', 'js', 'yaml'];

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

/** What the reader of a page about an error has: a sync that ran, and a table that lacks columns. */
const GIVEN_FOR_TROUBLESHOOTING: Given = {
  files: {
    'source.json': SOURCE,
    'destination.json': DESTINATION,
    'catalog.json': CATALOG,
    'input.jsonl': REJECTED_ROW,
    'out.jsonl': '{"type":"STATE","state":{}}\n',
  },
  statements: [
    EVENTS_TABLE,
    'CREATE TABLE shop.raw (user_id UInt64, action String, inserted_at DateTime, amount Float64) ENGINE = MergeTree ORDER BY user_id',
    'CREATE VIEW shop.events_view AS SELECT * FROM shop.events',
  ],
};

/**
 * Blocks of these pages with this can't be run. They are still parsed, by the shell or by ClickHouse. They have no marks,
 * because `explain` shows the pages unchanged.
 */
const NOT_HERE: readonly RegExp[] = [
  // Servers, files and names that only the reader has.
  /\b(HOST|PORT|BASTION|KEY_FILE|BUCKET|S3_ENDPOINT|AWS_ENDPOINT_URL|NEW_PASSWORD|CLICKHOUSE_HOST|PROCESS)\b|\/rejected|\/data/,
  /api\.batch\.com|\.pem\b/,
  // The sandbox's ClickHouse accepts no new users, and keeps no log.
  /\b(ALTER USER|GRANT|SHOW GRANTS|system\.query_log)\b/,
  // Programs that may be missing on a machine.
  /^(ssh|sshd|ssh-keygen|openssl|aws|jq|journalctl)\b|ssh-keygen/m,
];

const GIVEN: Record<string, Given> = {
  'README.md': { statements: ['CREATE DATABASE shop'] },
  'docs/sync.md': { statements: [EVENTS_TABLE] },
  'docs/monitoring.md': {
    files: { 'source.json': SOURCE, 'destination.json': DESTINATION },
    statements: [EVENTS_TABLE],
  },
  'docs/cron.md': {
    files: { 'source.json': SOURCE, 'destination.json': DESTINATION },
    statements: [EVENTS_TABLE],
  },
  'docs/status.md': { files: STATUS_FILES },
  'docs/retry.md': {
    files: {
      'destination.json': `${DESTINATION.slice(0, -1)}, "rejected_rows": {"storage_type": "Local", "path": "rejected"}}`,
      'rejected/events-20260417T042500Z-1a2b3c4d.ndjson': [
        REJECTED_ROW,
        REJECTED_ROW.replace('order_paid', 'Order paid'),
        REJECTED_ROW.replace('"code"', '"may_have_arrived": true, "code"'),
      ].join(''),
    },
  },
  'docs/destination-batch.md': {
    files: {
      'destination.json': DESTINATION,
      'catalog.json': CATALOG,
      'input.jsonl': REJECTED_ROW,
      'rejected/events-20260417T042500Z-1a2b3c4d.ndjson': REJECTED_ROW,
    },
  },
};

const OPTIONS = ['source-clickhouse', 'destination-batch'].map(optionsOf);

const PAGES = pagesIn('README.md', 'docs', 'deploy').filter(({ blocks }) => blocks.length > 0);
const TROUBLESHOOTING = PAGES.filter(({ path }) => path.startsWith('docs/troubleshooting/'));
const WALKED_THROUGH = PAGES.filter((page) => !TROUBLESHOOTING.includes(page));

let runner: DocsRunner;

beforeAll(async () => {
  runner = await DocsRunner.start();
});

afterAll(() => runner?.stop());

test('every block is run, shown, or marked with the reason why not', () => {
  const others = PAGES.flatMap(({ path, blocks }) =>
    blocks
      .filter(({ language, mark, text }) => {
        // The packages of Python are not installed here; another test runs these.
        if (language === 'python') return mark.kind !== 'not run';
        return !RUN.includes(language) && (!SHOWN.includes(language) || looksLikeCommands(text));
      })
      .map(({ language, text }) => `${path}: ${language} ${text}`),
  );
  expect(others).toEqual([]);
});

describe('the commands of a page work:', () => {
  test.each(WALKED_THROUGH.map((page) => ({ name: page.path, page })))('$name', async ({ page }) => {
    await follow(page);
  });
});

describe('the commands of a page about an error work:', () => {
  let folder: string;
  /** Several pages ask the user to run check again. */
  const done = new Set<string>();

  beforeAll(async () => {
    folder = await runner.folder(GIVEN_FOR_TROUBLESHOOTING);
  });

  test.each(TROUBLESHOOTING.map(({ path, blocks }) => ({ name: path, blocks })))('$name', async ({ blocks }) => {
    for (const { language, text } of blocks.filter((block) => !done.has(block.text))) {
      done.add(text);
      const isHere = !NOT_HERE.some((pattern) => pattern.test(text));
      if (language === 'json') expect(() => z.object().parse(JSON.parse(text))).not.toThrow();
      if (language === 'sql') await (isHere ? runner.execute(text) : runner.understand(text));
      if (language === 'sh')
        await (isHere ? runner.shell(text, folder) : runner.shell(`bash -n <<'END'\n${text}\nEND`, folder));
    }
  });
});

async function follow({ path, blocks }: Page): Promise<void> {
  const folder = await runner.folder(GIVEN[path]);
  const expectedEvents: string[] = [];
  let printed = '';
  for (const block of blocks) {
    const { mark, text } = block;
    if (mark.kind === 'not run') {
      if (block.language === 'sql') await runner.understand(text);
    } else if (mark.kind === 'file') {
      writeFileSync(join(folder, mark.name), runner.filledIn(text));
    } else if (mark.kind === 'prints') {
      expect(printed).toMatch(patternOf(text));
    } else if (mark.kind === 'what Batch gets') {
      expectedEvents.push(...text.split('\n').map(compact));
    } else if (block.language === 'sql') {
      await runner.execute(text);
    } else if (block.language === 'json') {
      const options: unknown = JSON.parse(runner.filledIn(text));
      expect(
        OPTIONS.some((areKnown) => areKnown(options)),
        text,
      ).toBe(true);
    } else if (block.language === 'sh' || block.language === 'bash') {
      const until = mark.kind === 'run until it prints' ? mark.text : undefined;
      printed = await runner.shell(text, folder, until, mark.kind === 'exits with' ? mark.code : 0);
    }
  }
  if (expectedEvents.length > 0) expect((await runner.events(folder)).sort()).toEqual(expectedEvents.sort());
}

function looksLikeCommands(text: string): boolean {
  return /^\s*(\.?\/|clickhouse-to-batch |(source|destination)-\w+ |npm |npx |curl |docker |kubectl )/m.test(text);
}

/** All of the output, with … for anything within a line. */
function patternOf(text: string): RegExp {
  const literal = (part: string): string => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return new RegExp(`^${text.split('…').map(literal).join('.*')}\\n$`);
}

/** Whether a connector has these options. They need not be complete. */
function optionsOf(connector: string): (options: unknown) => boolean {
  const { connectionSpecification } = z
    .object({ connectionSpecification: z.looseObject({ properties: z.looseObject({}) }) })
    .parse(JSON.parse(readFileSync(join(ROOT, `spec/${connector}.json`), 'utf8')));
  const schema = { ...connectionSpecification, required: [], additionalProperties: false };
  return new Ajv({ strict: false, validateFormats: false }).compile(schema);
}
