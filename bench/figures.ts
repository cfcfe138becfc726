/** A line of the table: what was measured, the result, the target, and whether it was reached. */
export type Figure = { measure: string; figure: string; target: string; isReached: boolean };

/** A figure that must not be above a bound. */
export function atMost(measure: string, value: number, bound: number, unit = ''): Figure {
  return { measure, figure: `${shown(value)}${unit}`, target: `≤ ${shown(bound)}${unit}`, isReached: value <= bound };
}

/** A figure that must not be below a bound. */
export function atLeast(measure: string, value: number, bound: number, unit = ''): Figure {
  return { measure, figure: `${shown(value)}${unit}`, target: `≥ ${shown(bound)}${unit}`, isReached: value >= bound };
}

/** A figure without a bound, for comparison with the others. */
export function report(measure: string, value: number): Figure {
  return { measure, figure: shown(value), target: '–', isReached: true };
}

/** The figures as a table in Markdown. */
export function table(figures: readonly Figure[]): string {
  return markdownTable([
    ['measure', 'figure', 'to reach', 'reached'],
    ...figures.map(({ measure, figure, target, isReached }) => [measure, figure, target, isReached ? 'yes' : 'NO']),
  ]);
}

/** Rows with the same number of cells, the first of which is the header, as a table in Markdown. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  // A pipe character would end the cell.
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  return [lines[0], `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...lines.slice(1)].join('\n');
}

function shown(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 3 : 0 });
}
