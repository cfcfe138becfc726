import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const rejectedRow = z.object({
  record: z.object({ data: z.object({ id: z.string() }) }),
  rejection: z.object({ code: z.string(), reason: z.string().min(1) }),
});

/**
 * Returns the ids of the rows in the files of rejected rows; a row that is stored twice is returned twice. Incomplete lines do
 * not count, nor do the files of unconfirmed rows, which are after the last echoed state.
 */
export function readRejectedRows(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ndjson') && !name.includes('.unconfirmed-') && !name.startsWith('.probe'))
    .flatMap((name) => wholeLines(readFileSync(join(folder, name), 'utf8')))
    .map((line) => rejectedRow.parse(JSON.parse(line)).record.data.id);
}

function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1);
}
