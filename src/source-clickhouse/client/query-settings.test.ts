import { ClickHouseError } from '@clickhouse/client';
import { describe, expect, test } from 'vitest';
import { ConnectorError } from '../../protocol/errors.ts';
import type { Setting } from './lossy-settings.ts';
import { decideQuerySettings, type QueryRows, type QuerySettings, readQuerySettings } from './query-settings.ts';

/** The values of settings by name. */
type Values = Record<string, string>;

const PLAIN: Values = {
  log_comment: '',
  send_progress_in_http_headers: '0',
  http_headers_progress_interval_ms: '100',
  readonly: '0',
  cancel_http_readonly_queries_on_client_close: '0',
  cloud_mode: '0',
  select_sequential_consistency: '0',
  limit: '0',
  max_execution_time: '0',
  timeout_overflow_mode: 'throw',
};

function decide(values: Values, fixed: readonly string[] = [], maxima: Values = {}): QuerySettings {
  const settings = Object.entries({ ...PLAIN, ...values }).map(([name, value]): [string, Setting] => [
    name,
    { name, value, isChangeable: !fixed.includes(name), max: maxima[name] ?? '' },
  ]);
  return decideQuerySettings(new Map(settings), { username: 'reader' });
}

const EVERYTHING = [...Object.keys(PLAIN), 'skip_unavailable_shards'];
const COMMENT = { log_comment: expect.stringMatching(/^clickhouse-to-batch source-clickhouse \d/) };
const PROGRESS = { send_progress_in_http_headers: '1', http_headers_progress_interval_ms: '45000' };
const CANCEL = { cancel_http_readonly_queries_on_client_close: '1' };

describe('the settings of a query', () => {
  test.each([
    ['turns the query cache off if it is on', { use_query_cache: '1' }, { use_query_cache: '0' }],
    ['does not send use_query_cache if it is off', { use_query_cache: '0' }, {}],
  ])('%s', (_, values, expected) => {
    const { use_query_cache, ...usual } = decide({ readonly: '2', ...values }, ['readonly']).settings;
    expect(use_query_cache === undefined ? {} : { use_query_cache }).toEqual(expected);
    expect(usual).toEqual({ ...COMMENT, ...PROGRESS, ...CANCEL });
  });

  test('are empty for a user with readonly = 1', () => {
    expect(decide({ readonly: '1' }, EVERYTHING)).toEqual({ settings: {}, endsWithConnection: false });
  });

  test('set readonly = 2 for a user who may write, so that closing the connection cancels the query', () => {
    expect(decide({})).toEqual({
      settings: { ...COMMENT, ...PROGRESS, ...CANCEL, readonly: '2' },
      endsWithConnection: true,
    });
  });

  test('do not change readonly = 2', () => {
    expect(decide({ readonly: '2' }, ['readonly'])).toEqual({
      settings: { ...COMMENT, ...PROGRESS, ...CANCEL },
      endsWithConnection: true,
    });
  });

  test('do not rely on the connection to cancel a query if readonly may not be set', () => {
    expect(decide({}, ['readonly'])).toEqual({
      settings: { ...COMMENT, ...PROGRESS, ...CANCEL },
      endsWithConnection: false,
    });
  });

  test('turn progress headers on only if their interval may be set, too', () => {
    expect(decide({}, ['http_headers_progress_interval_ms']).settings).not.toHaveProperty(
      'send_progress_in_http_headers',
    );
  });

  test('use what the profile already sets', () => {
    expect(decide({ ...CANCEL, readonly: '1' }, EVERYTHING)).toEqual({ settings: {}, endsWithConnection: true });
  });

  test.each([
    ['max_query_size', '262144', '16777216'],
    ['max_ast_elements', '50000', '1000000'],
    ['max_expanded_ast_elements', '500000', '5000000'],
    ['max_query_size', '0', undefined],
    ['max_query_size', '33554432', undefined],
  ])('raise the limits on a query for a wide table: %s = %s', (name, value, sent) => {
    expect(decide({ [name]: value }).settings[name]).toBe(sent);
    expect(decide({ [name]: value }, [name]).settings).not.toHaveProperty(name);
  });

  test.each([
    ['262144', '400000', '400000'],
    ['262144', '262144', undefined],
    ['262144', '99999999', '16777216'],
  ])('raise a limit only to the maximum of the profile: from %s up to %s', (value, max, sent) => {
    expect(decide({ max_query_size: value }, [], { max_query_size: max }).settings.max_query_size).toBe(sent);
  });

  test('have no setting that the server does not know', () => {
    expect(decideQuerySettings(new Map(), { username: 'reader' })).toEqual({ settings: {}, endsWithConnection: false });
  });

  test.each<[string, Values, string[], string | undefined]>([
    ['is set in ClickHouse Cloud', { cloud_mode: '1' }, [], '1'],
    ['is not set elsewhere', {}, [], undefined],
    ['is not set if the user may not set it', { cloud_mode: '1' }, ['select_sequential_consistency'], undefined],
  ])('select_sequential_consistency %s', (_, values, fixed, expected) => {
    expect(decide(values, fixed).settings.select_sequential_consistency).toBe(expected);
  });
});

describe('a profile that silently leaves out rows', () => {
  const lossy: [string, Values, string, string][] = [
    ['after a timeout', { timeout_overflow_mode: 'break', max_execution_time: '9' }, 'timeout_overflow_mode', 'throw'],
    ['after a number of rows', { limit: 'more than 0' }, 'limit', '0'],
    ['of an unavailable shard', { skip_unavailable_shards: '1' }, 'skip_unavailable_shards', '0'],
  ];

  test.each(lossy)('%s: the setting is overridden', (_, values, name, value) => {
    expect(decide(values).settings[name]).toBe(value);
  });

  test.each(lossy)('%s: is refused with the ALTER USER to run if the setting is fixed', (_, values, name, value) => {
    const attempt = (): QuerySettings => decide({ ...values, readonly: '1' }, EVERYTHING);
    expect(attempt).toThrow(ConnectorError);
    expect(attempt).toThrow(`"reader" has ${name} = ${values[name]}, and the user may not change it`);
    const written = value === '0' ? '0' : `'${value}'`;
    expect(attempt).toThrow(`ALTER USER \`reader\` MODIFY SETTING ${name} = ${written}`);
  });

  test('in several ways: all settings are reported at once', () => {
    const values = { skip_unavailable_shards: '1', timeout_overflow_mode: 'break', max_execution_time: '9' };
    expect(() => decide(values, EVERYTHING)).toThrow(
      "MODIFY SETTING skip_unavailable_shards = 0, timeout_overflow_mode = 'throw'",
    );
  });

  test('after a limit that is not set is accepted', () => {
    expect(decide({ timeout_overflow_mode: 'break' }, EVERYTHING).settings).toEqual({});
  });
});

describe('a profile that changes the format of rows', () => {
  const forms = [
    'extremes',
    'output_format_tsv_crlf_end_of_line',
    'date_time_64_output_format_cut_trailing_zeros_align_to_groups_of_thousands',
  ];

  test.each(forms)('is overridden: %s', (name) => {
    expect(decide({ [name]: '1' }).settings[name]).toBe('0');
    expect(decide({ [name]: '0' }).settings).not.toHaveProperty(name);
  });

  test.each(forms)('is refused with the ALTER USER to run if the setting is fixed: %s', (name) => {
    const attempt = (): QuerySettings => decide({ [name]: '1', readonly: '1' }, [...EVERYTHING, name]);
    expect(attempt).toThrow(
      `"reader" has ${name} = 1, and the user may not change it: ClickHouse would write rows in a different form`,
    );
    expect(attempt).toThrow(`ALTER USER \`reader\` MODIFY SETTING ${name} = 0`);
  });

  test('and leaves out rows is refused for both', () => {
    expect(() => decide({ extremes: '1', limit: '5' }, [...EVERYTHING, 'extremes'])).toThrow(
      /has limit = 5, extremes = 1, .+ would silently leave out rows, .+; ClickHouse would write rows in a different form.+ limit = 0, extremes = 0$/s,
    );
  });
});

describe('the query that looks up the settings', () => {
  /** Answers the first query with an error, and the next one as a server does. Returns how often it was asked. */
  async function lookUpAfter(code: string): Promise<number> {
    let queries = 0;
    const queryRows: QueryRows = async (_, row) => {
      queries += 1;
      if (queries === 1) throw new ClickHouseError({ message: 'Nested type Array(Array(String)) …', code });
      return [row.parse({ version: '24.8.4.1', milliseconds: '7', settings: [['readonly', '10 1']] })];
    };
    const facts = await readQuerySettings(queryRows, { username: 'reader' }).catch((error: unknown) => error);
    expect(facts instanceof ClickHouseError ? facts.code : facts).toEqual(
      queries === 1 ? code : { settings: { settings: {}, endsWithConnection: false }, serverTime: 7 },
    );
    return queries;
  }

  test("has one aggregate for each setting if an array of all can't be Nullable", async () => {
    expect(await lookUpAfter('43')).toBe(2);
  });

  test('is not sent again after another error', async () => {
    expect(await lookUpAfter('241')).toBe(1);
  });
});
