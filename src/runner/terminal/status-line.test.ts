import { describe, expect, test } from 'vitest';
import { Screen } from '../../../integration_tests/support/screen.ts';
import { StatusLine } from './status-line.ts';

/** As wide as it may be. */
const draw = (columns: number): string => `[${'='.repeat(columns - 3)}]`;

describe('a status line', () => {
  test('is replaced in place, below all other output', async () => {
    const screen = new Screen(80);
    const line = new StatusLine(screen);
    line.show(() => '10%');
    line.print('WARN  a row\nof two lines');
    line.show(() => '20%');
    expect(await screen.lines()).toEqual(['WARN  a row', 'of two lines', '20%']);
    line.clear();
    expect(await screen.lines()).toEqual(['WARN  a row', 'of two lines']);
  });

  test.each([
    ['narrower', 80, 60],
    ['much narrower', 120, 25],
    ['wider', 60, 80],
  ])('leaves no torn line when the terminal becomes %s', async (_, before, after) => {
    const screen = new Screen(before);
    const line = new StatusLine(screen);
    line.print('above');
    line.show(draw);
    expect(await screen.lines()).toEqual(['above', draw(before)]);
    await screen.resize(after);
    expect(await screen.lines()).toEqual(['above', draw(after)]);
    line.print('still above');
    expect(await screen.lines()).toEqual(['above', 'still above', draw(after)]);
  });

  test('is not drawn again by a change of the width after it was removed', async () => {
    const screen = new Screen(80);
    const line = new StatusLine(screen);
    line.show(draw);
    line.clear();
    await screen.resize(60);
    expect(await screen.lines()).toEqual([]);
  });
});
