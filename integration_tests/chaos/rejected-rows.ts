import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const rejectedRow = z.object({
  record: z.object({ data: z.object({ id: z.string() }) }),
  rejection: z.object({ code: z.string(), reason: z.string().min(1) }),
});

/**
 * The rows in the files of rejected rows, as often as they stand there. Rows that no state lies behind are in files of
 * their own, and do not count; nor does a line that has not ended.
 */
export function keptRejectedRows(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ndjson') && !name.includes('.unconfirmed-') && !name.startsWith('.probe'))
    .flatMap((name) => wholeLines(readFileSync(join(folder, name), 'utf8')))
    .map((line) => rejectedRow.parse(JSON.parse(line)).record.data.id);
}

function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1);
}
