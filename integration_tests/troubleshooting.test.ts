import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchApi } from '../sandbox/batch-api/server.ts';
import { type Finished, type LauncherName, run } from '../sandbox/launcher.ts';
import {
  catalogOf,
  clickHouseWith,
  destinationConfiguration,
  errors,
  quickBatchApi,
  sourceConfiguration,
  temporaryFiles,
} from './support.ts';

const PAGES = new URL('../docs/troubleshooting/', import.meta.url);

/** How much of a message has to stand on its page, word by word: what is left are the names and figures of a case. */
const SHARE_OF_WORDS = 0.7;

const file = temporaryFiles();
const server = clickHouseWith('shop');
let batch: BatchApi;

beforeAll(async () => {
  batch = await quickBatchApi();
  await server().execute(
    'CREATE TABLE shop.events (custom_id String, event_name String, last_updated_at DateTime64(6), amount Float64) ENGINE = MergeTree ORDER BY last_updated_at',
    'CREATE TABLE shop.raw (user_id UInt64, action String, inserted_at DateTime, amount Float64) ENGINE = MergeTree ORDER BY user_id',
    'CREATE VIEW shop.events_view AS SELECT * FROM shop.events',
  );
});

afterAll(() => batch.close());

function page(code: string): string {
  return readFileSync(new URL(`${code}.md`, PAGES), 'utf8');
}

function source(changes: Record<string, unknown> = {}): string {
  return file('source.json', sourceConfiguration(server(), 'shop', { table: 'events', ...changes }));
}

function destination(changes: Record<string, unknown> = {}): string {
  return file('destination.json', destinationConfiguration(batch, changes));
}

const catalog = (): string => file('catalog.json', catalogOf('incremental', 'events'));

function row(data: Record<string, unknown>, stream = 'events'): string {
  return `${JSON.stringify({ type: 'RECORD', record: { stream, emitted_at: 1, data } })}\n`;
}

/** What a person reads of a command that failed. */
function told(result: Finished): string {
  const [message] = [...result.messages.flatMap((each) => each.connectionStatus?.message ?? []), ...errors(result)];
  return typeof message === 'string' ? message : (message?.message ?? '');
}

function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}_.]+/gu) ?? [];
}

type Case = { code: string; launcher: LauncherName; args: () => string[]; input?: string };

const check = (code: string, changes: Record<string, unknown>): Case => ({
  code,
  launcher: 'source-clickhouse',
  args: () => ['check', '--config', source(changes)],
});

const read = (code: string, state: unknown): Case => ({
  code,
  launcher: 'source-clickhouse',
  args: () => ['read', '--config', source(), '--catalog', catalog(), '--state', file('state.json', state)],
});

const write = (code: string, changes: Record<string, unknown>, input: string): Case => ({
  code,
  launcher: 'destination-batch',
  args: () => ['write', '--config', destination(changes), '--catalog', catalog()],
  input,
});

describe('a command that fails ends its message with the link to a page, on which the message stands', () => {
  test.concurrent.each<Case>([
    { code: 'command_invalid', launcher: 'source-clickhouse', args: () => ['read', '--config', 'source.json'] },
    { code: 'file_unreadable', launcher: 'connector', args: () => ['check', '--config', '/secrets/source.json'] },
    check('configuration_invalid', { host: undefined, port: '8123' }),
    check('clickhouse_unreachable', { port: 1 }),
    check('clickhouse_login_refused', { password: 'wrong' }),
    check('table_missing', { table: 'Events' }),
    check('columns_missing', { table: 'raw' }),
    check('final_unsupported', { use_final: true }),
    read('state_invalid', { type: 'GLOBAL' }),
    read('state_of_other_settings', [
      {
        type: 'STREAM',
        stream: {
          stream_descriptor: { name: 'events' },
          stream_state: { cursor: null, cursor_column: 'inserted_at', cursor_type: 'DateTime' },
        },
      },
    ]),
    {
      code: 'batch_key_refused',
      launcher: 'destination-batch',
      args: () => ['check', '--config', destination({ rest_api_key: 'wrong-rest-key' })],
    },
    write('stream_not_in_catalog', {}, row({}, 'orders')),
    write('input_broken', {}, '{"type":"RECORD","record":{"stream":"eve'),
    write('custom_id_missing', {}, row({ event_name: 'purchase' }).repeat(10)),
    write('rejected_rows_unwritable', { rejected_rows: { storage_type: 'Local', path: '/nowhere' } }, ''),
  ])('$code', async ({ code, launcher, args, input }) => {
    const message = told(await run(launcher, args(), input === undefined ? {} : { input }));
    const [, words = '', linked] =
      /^(.+) See https:\/\/github\.com\/\S+\/docs\/troubleshooting\/(\w+)\.md$/s.exec(message) ?? [];
    expect([message, linked]).toEqual([message, code]);
    // That of the rejection is linked, and says what to mend; the message is that of a sync that it ended.
    const shown = wordsOf(page(code === 'custom_id_missing' ? 'too_many_rejected' : code));
    const missing = wordsOf(words).filter((word) => !shown.includes(word));
    expect(missing.length, missing.join(' ')).toBeLessThanOrEqual((1 - SHARE_OF_WORDS) * wordsOf(words).length);
  });
});

/** Statements about users and logs, which the server of the sandbox keeps elsewhere or not at all: they are only parsed. */
const ONLY_PARSED = /\b(?:GRANTS?|USER|QUOTA|system\.users|system\.query_log)\b/;

/** The statements on the pages, each with the code of its page. */
function statementsOfPages(): { code: string; statement: string }[] {
  return [...page('README').matchAll(/^- \[(\w+)\]/gm)].flatMap(([, code = '']) =>
    [...page(code).matchAll(/```sql\n([\s\S]+?)\n```/g)]
      .flatMap(([, block = '']) => block.split(/;\s*$/m))
      .map((statement) => ({ code, statement: statement.trim() }))
      .filter(({ statement }) => statement !== ''),
  );
}

test('the SQL of the pages is that of ClickHouse, and works', async () => {
  const statements = statementsOfPages();
  expect(statements.length).toBeGreaterThan(20);
  for (const { code, statement } of statements) {
    const query = ONLY_PARSED.test(statement) ? `EXPLAIN AST ${statement}` : statement;
    await server()
      .execute(query)
      .catch((error: unknown) => {
        throw new Error(`${code}: ${statement}`, { cause: error });
      });
  }
});
