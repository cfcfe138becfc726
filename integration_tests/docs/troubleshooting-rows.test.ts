import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FaultRequest } from '../../sandbox/batch-api/faults.ts';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { type Finished, run } from '../../sandbox/launcher.ts';
import { REASON_CODES } from '../../src/destination-batch/codes.ts';
import { splitLink } from '../../src/protocol/help-pages.ts';
import { destinationConfiguration, errors, logs, quickBatchApi, temporaryFiles } from '../support/support.ts';
import { expectOnPage, page } from './troubleshooting-page.ts';

// Sends the row on each page, with `write` configured as the page says.

const file = temporaryFiles();
let batch: BatchApi;

beforeAll(async () => {
  batch = await quickBatchApi();
});

afterAll(() => batch.close());

type Sending = {
  codes: readonly string[];
  policies: Record<string, string>;
  fault?: FaultRequest;
  /** The stream of the rows. The rows of `customers` become attributes of profiles. */
  stream?: 'events' | 'customers';
  /** The schemas of the columns in the catalog. */
  properties?: Record<string, unknown>;
};

/** What the rows of most pages do not need. */
const OTHERS: readonly Sending[] = [
  {
    codes: ['attribute_invalid'],
    policies: { invalid_attribute: 'reject_event' },
  },
  // A different update from that of event_too_old: Batch does not report which event of an update it refuses.
  { codes: ['event_in_future'], policies: {} },
  {
    codes: ['refused_by_batch'],
    policies: {},
    fault: { kind: 'partial', bulk_index: 0, category: 'event', reason: 'events[0]: the event is not enabled' },
  },
  {
    codes: ['text_truncated', 'time_left_out'],
    policies: { untimely_event: 'send_without_time', long_text: 'truncate' },
  },
  {
    codes: ['native_attribute_invalid'],
    policies: {},
    stream: 'customers',
  },
  {
    codes: ['number_not_integer'],
    policies: {},
    properties: { custom_id: {}, event_name: {}, total: { type: 'integer' } },
  },
  {
    codes: ['attribute_refused_by_batch'],
    policies: {},
    fault: {
      kind: 'partial',
      bulk_index: 0,
      category: 'attribute',
      attribute: 'price',
      reason: 'price was a text before, and is a number now',
    },
  },
];

const SENDINGS: readonly Sending[] = [
  {
    codes: REASON_CODES.filter((code) => !OTHERS.some(({ codes }) => codes.includes(code))),
    policies: {},
  },
  ...OTHERS,
];

/** The row on a page, in full. */
function rowOn(code: string): string {
  const [, row = ''] = /```json\n([\s\S]+?)\n```/.exec(page(code)) ?? [];
  return row
    .replaceAll('\n', '')
    .replaceAll(/…\(([\d,]+) (?:more )?characters\)/g, (_, count: string) => 'x'.repeat(Number(count.replace(',', ''))))
    .replaceAll(/"…\((\d+) more\)"/g, (_, count: string) => Array(Number(count)).fill('"x"').join())
    .replaceAll(/"…\((\d+) texts of (\d+) characters\)"/g, (_, count: string, length: string) =>
      Array(Number(count))
        .fill(`"${'x'.repeat(Number(length))}"`)
        .join(),
    )
    .replaceAll(/"a3": "…\(and so on to a(\d+)\)"/g, (_, last: string) =>
      Array.from({ length: Number(last) - 2 }, (_, index) => `"a${index + 3}": ${index + 3}`).join(),
    );
}

async function send({ codes, policies, fault, stream: name = 'events', properties = {} }: Sending): Promise<Finished> {
  if (fault !== undefined) batch.faults.add(fault);
  const streams = name === 'customers' ? { customers: { object: 'profile_attributes' } } : {};
  const config = file('destination.json', destinationConfiguration(batch, { policies, streams }));
  const stream = { name, json_schema: { properties } };
  const catalog = file('catalog.json', { streams: [{ stream, sync_mode: 'incremental' }] });
  const lines = codes.map(
    (code) => `{"type":"RECORD","record":{"stream":"${name}","emitted_at":1,"data":${rowOn(code)}}}\n`,
  );
  return run('destination-batch', ['write', '--config', config, '--catalog', catalog], { input: lines.join('') });
}

describe('the row on a page leads to the message on it:', () => {
  /** What was logged with the link to the page of a code. */
  const logged = new Map<string, string[]>();

  beforeAll(async () => {
    // One after the other, because the next call gets the fault.
    for (const sending of SENDINGS) {
      const result = await send(sending);
      expect(errors(result)).toEqual([]);
      for (const line of logs(result)) {
        const { code } = splitLink(line);
        if (code !== undefined) logged.set(code, [...(logged.get(code) ?? []), line.replace(/^WARN /, '')]);
      }
    }
  });

  test.each(REASON_CODES)('%s', (code) => {
    const messages = logged.get(code) ?? [];
    // The row of another page may have caused it, too.
    expectOnPage(code, messages.at(-1) ?? '');
  });
});
