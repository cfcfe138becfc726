import { parse, stringify } from 'lossless-json';
import wrapAnsi from 'wrap-ansi';
import { z } from 'zod';
import type { ValueKind } from '../destination-batch/mapping/attribute-value.ts';
import type { ColumnUse } from '../destination-batch/mapping/mapper.ts';
import { formatCount, formatNumber } from '../shared/format.ts';
import { printable, printableLines } from '../shared/printable.ts';
import type { Request } from './request.ts';
import type { Sample, SampledColumn, ShownRow } from './sample.ts';
import { type Cell, layOutStackedTables, layOutWrappedTable, type Terminal } from './table.ts';

/** Stands before a row that would be rejected, as not every terminal has colours. */
const REJECTED_MARK = '✗';

/** Of a request; of all, nobody would find the rows above it. */
const MAX_UPDATES = 3;

/** Of a text that goes into a cell of a row. */
const MAX_CHARACTERS = 500;

/** What a preview says of the rows of a stream. */
export function formatPreview(
  sample: Sample,
  request: Request | undefined,
  stream: string,
  terminal: Terminal,
): string {
  const { rows, shown, columns } = sample;
  if (rows === 0) return `${printable(stream)} has no rows that a sync would read: nothing would be sent.\n`;
  return [
    formatHeading(
      `The first ${shown.length === 1 ? 'row' : formatCount(shown.length, 'row')} of ${printable(stream)}`,
      terminal,
    ),
    formatRows(shown, columns, terminal),
    formatHeading('The first request, if these were all', terminal),
    formatRequest(request, terminal),
    formatHeading(`What each column becomes, in a sample of ${formatCount(rows, 'row')}`, terminal),
    formatColumns(columns, terminal),
    formatHeading('What would become of the sample', terminal),
    formatVerdict(sample, terminal),
  ].join('\n');
}

function formatHeading(text: string, { paint }: Terminal): string {
  return `${paint('bold', text)}\n`;
}

function formatRows(shown: readonly ShownRow[], columns: readonly SampledColumn[], terminal: Terminal): string {
  const isAnyRejected = shown.some(({ isRejected }) => isRejected);
  const head = columns.map(({ name }): Cell => ({ text: shortenText(name), colour: 'dim' }));
  const rows = shown.map(({ row, isRejected }): Cell[] => {
    const colour = isRejected ? 'red' : undefined;
    const cells = columns.map(({ name }): Cell => ({ text: formatValue(row[name]), colour }));
    return isAnyRejected ? [{ text: isRejected ? REJECTED_MARK : '', colour }, ...cells] : cells;
  });
  return layOutStackedTables([isAnyRejected ? [{ text: '' }, ...head] : head, ...rows], terminal);
}

function formatValue(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  return shortenText(typeof value === 'string' ? value : (stringify(value) ?? ''));
}

/** No more of a text than a cell could show, however many characters take no room: a value may have megabytes. */
function shortenText(text: string): string {
  return printable(text.slice(0, MAX_CHARACTERS));
}

/** The exact JSON of the first updates, laid out over lines; numbers keep their digits. */
function formatRequest(request: Request | undefined, { paint }: Terminal): string {
  if (request === undefined) return 'There is none, as each of these rows would be rejected.\n';
  const updates = z.array(z.unknown()).parse(parse(request.body));
  const body = stringify(updates.slice(0, MAX_UPDATES), undefined, 2) ?? '';
  const others = updates.length - MAX_UPDATES;
  const more = others > 0 ? `${paint('dim', `and ${formatCount(others, 'update')} more`)}\n` : '';
  return `${paint('dim', `POST ${request.url}`)}\n${printableLines(body)}\n${more}`;
}

function formatColumns(columns: readonly SampledColumn[], terminal: Terminal): string {
  const head = ['column', 'becomes', 'its values'].map((text): Cell => ({ text, colour: 'dim' }));
  const rows = columns.flatMap((column): Cell[][] => [
    [{ text: printable(column.name) }, { text: describeUse(column.use) }, { text: describeTypes(column) }],
    ...[...column.remarks].map(([code, { times, reason }]): Cell[] => [
      { text: '' },
      { text: '' },
      { text: `${formatRemark(code, times)}: ${printable(reason)}`, colour: 'yellow' },
    ]),
  ]);
  return layOutWrappedTable([head, ...rows], terminal);
}

/** A name is changed for all rows, and told once. */
function formatRemark(code: string, times: number): string {
  return code === 'name_lower_cased' ? code : `${times} × ${code}`;
}

function describeUse(use: ColumnUse): string {
  switch (use.kind) {
    case 'profile':
      return 'the profile';
    case 'event_name':
      return 'the name of the event';
    case 'event_time':
      return 'the time of the event';
    case 'not_sent':
      return 'nothing: not sent';
    case 'attribute':
      return use.name;
  }
}

/** Types of JSON, as they come from the source; of an attribute also what it is to be. */
function describeTypes({ use, types, rows, nulls }: SampledColumn): string {
  const found = [...types].join(' or ');
  const asked = use.kind === 'attribute' ? REQUIRED_KIND[use.valueKind] : undefined;
  const some = nulls === 0 ? '' : nulls === rows ? 'NULL in all rows' : `${nulls} of ${rows} NULL`;
  return [asked === undefined ? found : `${found} as ${asked}`, some].filter((part) => part !== '').join(', ');
}

/** What a value has to be, beyond its type. */
const REQUIRED_KIND: Record<ValueKind, string | undefined> = {
  plain: undefined,
  text: 'text, whatever it looks like',
  number: undefined,
  date: 'a date',
  date_time: 'a date',
  url: 'a URL',
  label: "the event's label",
  tags: "the event's tags",
};

function formatVerdict({ rows, rejected, untimely, rejections, columns }: Sample, terminal: Terminal): string {
  const { paint, width } = terminal;
  const none = paint('green', 'none');
  const sentence = (text: string): string => wrapAnsi(text, width, { hard: true });
  const parts = [
    sentence(
      `${formatCount(rows - rejected, 'row')} of ${formatNumber(rows)} would be sent, ${rejected === 0 ? none : paint('red', String(rejected))} rejected.`,
    ),
  ];
  if (rejected > 0) {
    const codes = [...rejections].map(([code, { times, reason }]): Cell[] => [
      { text: `${times} × ${code}`, colour: 'red' },
      { text: printable(reason) },
    ]);
    parts.push(
      layOutWrappedTable(codes, terminal).trimEnd(),
      sentence('What to do about each: connector explain CODE'),
    );
  }
  if (columns.some(({ remarks }) => remarks.size > 0)) {
    parts.push(sentence('What is told of columns above is left out or changed; the events are sent.'));
  }
  if (untimely > 0) {
    parts.push(
      sentence(`Batch would likely refuse ${describeShare(untimely, rows - rejected)}: too old, or in the future.`),
      sentence('What to do: connector explain event_too_old'),
    );
  }
  return `${[...parts, 'Nothing was sent.'].join('\n\n')}\n`;
}

/** So many of the events that would be sent. */
function describeShare(some: number, all: number): string {
  if (some < all) return `${formatNumber(some)} of these ${formatCount(all, 'event')}`;
  return all === 1 ? 'this event' : `all ${formatCount(all, 'event')}`;
}
