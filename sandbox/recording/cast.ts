/** A recording of a terminal, as asciinema's format (asciicast v2) has it. */
export type Cast = { columns: number; rows: number; events: readonly CastEvent[] };

/** What was printed, and when: in seconds since the start. */
export type CastEvent = { at: number; data: string };

/** Formats a recording as asciicast v2, which asciinema's player and other tools read. */
export function formatCast({ columns, rows, events }: Cast): string {
  const lines = [
    { version: 2, width: columns, height: rows },
    ...events.map(({ at, data }) => [Number(at.toFixed(3)), 'o', data]),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
