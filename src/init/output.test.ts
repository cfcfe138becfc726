import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { intro, log, multiselect, outro } from '@clack/prompts';
import { expect, test } from 'vitest';
import { questionOutput } from './output.ts';

function terminal(): PassThrough & { isTTY: boolean; columns: number; rows: number } {
  return Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
}

test('draws the questions with ASCII characters if the locale has no UTF-8', async () => {
  const screen = terminal();
  const output = questionOutput(screen, { LC_ALL: 'C' });
  const shown = text(screen);
  intro('From ClickHouse to Batch', { output });
  const input = new PassThrough();
  const options = ['a', 'b'].map((value) => ({ value }));
  const answered = multiselect({ message: 'Which tables?', options, initialValues: ['a'], input, output });
  input.write('\r');
  expect(await answered).toEqual(['a']);
  for (const kind of ['info', 'success', 'warn', 'error', 'message'] as const) log[kind](kind, { output });
  outro('Done', { output });
  screen.end();
  const drawn = await shown;
  expect(drawn).toContain('Which tables?');
  expect(stripVTControlCharacters(drawn)).toMatch(/^[ -~\r\n]*$/);
});

test('passes on the size of the terminal, and its changes', async () => {
  const screen = terminal();
  const output = questionOutput(screen, { LC_ALL: 'C' });
  const resized = once(output, 'resize');
  screen.columns = 60;
  screen.emit('resize');
  await resized;
  expect([output.isTTY, output.columns, output.rows]).toEqual([true, 60, 24]);
});

test('is the terminal itself with UTF-8', () => {
  const screen = terminal();
  expect(questionOutput(screen, { LANG: 'en_US.UTF-8' })).toBe(screen);
});

test('listens to the terminal only once, however many questions there are', () => {
  const screen = terminal();
  const outputs = Array.from({ length: 20 }, () => questionOutput(screen, { LC_ALL: 'C' }));
  expect(new Set(outputs).size).toBe(1);
  expect(screen.listenerCount('resize')).toBe(1);
});
