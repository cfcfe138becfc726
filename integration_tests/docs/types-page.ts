import { readFileSync } from 'node:fs';
import { DEFAULT_LIMITS } from '../../src/destination-batch/batch/limits.ts';
import { ItemArena } from '../../src/destination-batch/item-arena.ts';
import { readColumnTypes } from '../../src/destination-batch/mapping/column-types.ts';
import { EventMapper } from '../../src/destination-batch/mapping/mapper.ts';
import type { MappedEvent, RejectedRow } from '../../src/destination-batch/mapping/rules.ts';
import { parseInputLine } from '../../src/destination-batch/write/input.ts';

const PAGE = readFileSync(new URL('../../docs/TYPES.md', import.meta.url), 'utf8');

/** The text in a cell for a column that isn't sent. */
export const NOTHING = '—';

/** The rows of all tables of docs/TYPES.md with these columns: the unchanged text of each cell. */
export function rowsOfTables(...columns: string[]): string[][] {
  const head = rowOf(columns);
  return PAGE.split('\n\n').flatMap((block) => {
    const [first, , ...rows] = block.trim().split('\n');
    return first === head ? rows.map(cellsOf) : [];
  });
}

export function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function cellsOf(row: string): string[] {
  return row.slice(2, -2).split(' | ');
}

/** The code in a cell. */
export function codeIn(cell: string): string {
  return /^`(.*?)`/.exec(cell)?.[1] ?? '';
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** An event with its profile and its JSON. */
type EventWithJson = MappedEvent & { customId: string; json: string };

/**
 * What the destination makes of a row, with its default options. `pairs` are those of its JSON, as they leave, and `properties`
 * the schemas of its columns.
 */
export function mappedRow(
  pairs: Iterable<readonly [name: string, json: string]>,
  properties: Record<string, unknown>,
): EventWithJson | RejectedRow {
  const data = [...pairs].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join();
  const line = `{"type":"RECORD","record":{"stream":"events","emitted_at":1,"data":{${data}}}}`;
  const message = parseInputLine(Buffer.from(line));
  if (message.kind !== 'record') throw new Error(`The destination takes no row from ${line}`);
  const arena = new ItemArena();
  const columnTypes = readColumnTypes({ name: 'events', json_schema: { properties } });
  const mapped = new EventMapper(DEFAULT_LIMITS, { columnTypes }, arena).map(message.data);
  if (mapped.kind === 'rejected') return mapped;
  return { ...mapped, customId: arena.profiles.readCustomId(mapped.profile), json: arena.read(mapped.event) };
}

/** How a column is sent, in the words of the page. */
export function whatBatchGets(column: string, json: string, schema: unknown): string {
  const row = { custom_id: '"u"', event_name: '"e"', [column]: json };
  const mapped = mappedRow(Object.entries(row), { [column]: schema });
  if (mapped.kind === 'rejected') return `the row is rejected: ${code(mapped.rejection.code)}`;
  const attribute = attributeIn(mapped.json);
  const whole = mapped.leftOut.find(({ path }) => path === column);
  if (whole !== undefined) return `left out: ${code(whole.code)}`;
  const parts = mapped.leftOut.map((part) => `, without ${code(part.path)}: ${code(part.code)}`);
  return `${attribute === undefined ? 'nothing' : `${kindOf(attribute)} ${code(attribute)}`}${parts.join('')}`;
}

/** The JSON of the only attribute of an event. */
function attributeIn(event: string): string | undefined {
  return /"attributes":\{".*?":(.*)\}\}$/.exec(event)?.[1];
}

function kindOf(json: string): string {
  if (json.startsWith('["')) return 'list of strings';
  if (json.startsWith('[')) return 'list of objects';
  if (json.startsWith('{')) return 'object';
  if (json.startsWith('"')) return 'string';
  return json === 'true' || json === 'false' ? 'boolean' : 'number';
}
