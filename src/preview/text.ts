import { parse, stringify } from 'lossless-json';
import wrapAnsi from 'wrap-ansi';
import { z } from 'zod';
import { findRemedy } from '../destination-batch/codes.ts';
import type { ValueKind } from '../destination-batch/mapping/attribute-value.ts';
import type { ColumnUse } from '../destination-batch/mapping/mapper.ts';
import { type Cell, layOutStackedTables, layOutWrappedTable } from '../runner/terminal/table.ts';
import type { Terminal } from '../runner/terminal/terminal.ts';
import { formatCount, formatNumber } from '../shared/format.ts';
import { printable, printableLines } from '../shared/printable.ts';
import type { TypeChange } from './attribute-types.ts';
import type { Preview } from './preview.ts';
import type { Request } from './request.ts';
import type { Sample, SampledColumn, ShownRow } from './sample.ts';

/** Marks a row that would be rejected. Red text is not enough, because not every terminal supports colours. */
const REJECTED_MARK = '✗';

/** The number of updates that are shown by default. More would push the rows out of sight. */
const MAX_UPDATES = 2;

/** The maximum number of characters of a value that are passed to a cell. */
const MAX_CHARACTERS = 500;

type TextOptions = {
  /** The launcher, in the form in which the user can type it. */
  launcher: string;
  /** Whether to show all updates of the request. */
  wholeRequest: boolean;
};

/**
 * Formats a preview of the rows of a stream. The verdict is both at the beginning and at the end, because the preview may be
 * long.
 */
export function formatPreview(preview: Preview, terminal: Terminal, options: TextOptions): string {
  return terminal.toCharset(layOutPreview(preview, terminal, options));
}

function layOutPreview(
  { stream, start, sample, request }: Preview,
  terminal: Terminal,
  { launcher, wholeRequest }: TextOptions,
): string {
  const { rows, shown, columns } = sample;
  const first = start === undefined ? [] : [wrapAnsi(`${printableLines(start)}\n`, terminal.width, { hard: true })];
  if (rows === 0) {
    return [...first, `${printable(stream)} has no rows that a sync would read: nothing would be sent.\n`].join('\n');
  }
  return [
    ...first,
    formatHeading(`Result for a sample of ${formatCount(rows, 'row')}`, terminal),
    formatVerdict(sample, terminal, launcher),
    formatHeading(
      `The first ${shown.length === 1 ? 'row' : formatCount(shown.length, 'row')} of ${printable(stream)}`,
      terminal,
    ),
    formatRows(shown, columns, terminal),
    formatHeading('The first request for these rows', terminal),
    formatRequest(request, terminal, wholeRequest ? Number.POSITIVE_INFINITY : MAX_UPDATES),
    formatHeading(`What each column is sent as, in a sample of ${formatCount(rows, 'row')}`, terminal),
    formatColumns(sample, terminal),
    wrapAnsi(`${describeVerdict(sample, terminal)} Nothing was sent.\n`, terminal.width, { hard: true }),
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

/**
 * Shortens a value before it is measured, because it may be megabytes long. The limit is larger than a cell, because some
 * characters have no width.
 */
function shortenText(text: string): string {
  return printable(text.slice(0, MAX_CHARACTERS));
}

/** Formats the JSON of the first `max` updates with indentation. Numbers keep all their digits. */
function formatRequest(request: Request | undefined, { paint }: Terminal, max: number): string {
  if (request === undefined) return 'No request: all of these rows would be rejected.\n';
  const updates = z.array(z.unknown()).parse(parse(request.body));
  const body = stringify(updates.slice(0, max), undefined, 2) ?? '';
  const others = updates.length - max;
  const more = others > 0 ? `${paint('dim', `and ${formatCount(others, 'update')} more (--request shows all)`)}\n` : '';
  return `${paint('dim', `POST ${request.url}`)}\n${printableLines(body)}\n${more}`;
}

function formatColumns(sample: Sample, terminal: Terminal): string {
  const head = ['column', 'sent as', 'values'].map((text): Cell => ({ text, colour: 'dim' }));
  const rows = sample.columns.flatMap((column): Cell[][] => {
    const remarks = [
      ...[...column.remarks].map(([code, { times, reason }]) => `${formatRemark(code, times)}: ${printable(reason)}`),
      ...[...column.oddities].map(([oddity, times]) => `${formatNumber(times)} × ${oddity}`),
      ...sample.findTypeChanges(column).map(formatTypeChange),
    ];
    return [
      [{ text: printable(column.name) }, { text: describeUse(column.use) }, { text: describeTypes(column) }],
      ...remarks.map((text): Cell[] => [{ text: '' }, { text: '' }, { text, colour: 'yellow' }]),
    ];
  });
  return layOutWrappedTable([head, ...rows], terminal);
}

function formatTypeChange({ path, types }: TypeChange): string {
  const counts = [...types].map(([type, times]) => `${type} (${formatNumber(times)} ×)`);
  return `type changes: ${printable(path)} is sent as ${counts.join(' and ')}`;
}

/** Formats a code and how often it occurred. A change of a name is reported only once, so it has no count. */
function formatRemark(code: string, times: number): string {
  return code === 'name_lower_cased' ? code : `${times} × ${code}`;
}

function describeUse(use: ColumnUse): string {
  switch (use.kind) {
    case 'profile':
      return 'profile';
    case 'event_name':
      return 'event name';
    case 'event_time':
      return 'event time';
    case 'not_sent':
      return 'not sent';
    case 'attribute':
      return use.name;
  }
}

/** Describes the JSON types of the values from the source. For an attribute, this includes what a value is sent as. */
function describeTypes({ use, types, rows, nulls }: SampledColumn): string {
  const found = [...types].join(' or ');
  const asked = use.kind === 'attribute' ? REQUIRED_KIND[use.valueKind] : undefined;
  const some = nulls === 0 ? '' : nulls === rows ? 'NULL in all rows' : `${nulls} of ${rows} NULL`;
  return [asked === undefined ? found : `${found} as ${asked}`, some].filter((part) => part !== '').join(', ');
}

/** What a value must be, in addition to its JSON type. */
const REQUIRED_KIND: Record<ValueKind, string | undefined> = {
  untyped: undefined,
  text: 'a string',
  float: 'a float',
  integer: 'an integer',
  date: 'a date',
  date_time: 'a date',
  url: 'a URL',
  label: "the event's label",
  tags: "the event's tags",
};

function formatVerdict(sample: Sample, terminal: Terminal, launcher: string): string {
  const { rejected, rejections, columns } = sample;
  const sentence = (text: string): string => wrapAnsi(text, terminal.width, { hard: true });
  const parts = [sentence(describeVerdict(sample, terminal))];
  if (rejected > 0) {
    const codes = [...rejections].map(([code, { times, reason }]): Cell[] => [
      { text: `${formatNumber(times)} × ${code}`, colour: 'red' },
      { text: `${printable(reason)}. ${findRemedy(code)}.` },
    ]);
    parts.push(layOutWrappedTable(codes, terminal).trimEnd(), sentence(`More about each: ${launcher} explain CODE`));
  }
  if (columns.some(({ remarks, oddities }) => remarks.size + oddities.size > 0)) {
    parts.push(sentence('Some values are dropped, changed or unusual: see the columns below. Their rows are sent.'));
  }
  if (columns.some((column) => sample.findTypeChanges(column).length > 0)) {
    parts.push(
      sentence(
        'The type of a column changes between rows. Batch does not convert between types, and treats integers and floats as different types, so values may be lost. Convert the column to one type in a view, for example with toFloat64(c).',
      ),
    );
  }
  return `${parts.join('\n\n')}\n`;
}

function describeVerdict({ rows, rejected }: Sample, { paint }: Terminal): string {
  const accepted = rows - rejected;
  const all = rows === 1 ? 'The row' : `All ${formatNumber(rows)} rows`;
  if (rejected === 0) return `${paint('green', all)} would be accepted.`;
  if (accepted === 0) return `${paint('red', all)} would be rejected.`;
  return `${formatNumber(accepted)} of ${formatCount(rows, 'row')} would be accepted, and ${paint('red', formatNumber(rejected))} rejected.`;
}
