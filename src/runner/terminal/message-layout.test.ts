import { expect, test } from 'vitest';
import { onOwnLines } from '../../shared/statement.ts';
import { wrapMessage } from './message-layout.ts';

test('wraps prose, but not a statement', () => {
  const statement = 'CREATE VIEW `shop`.`orders_for_batch` AS\nSELECT\n  `user_id` AS custom_id';
  expect(wrapMessage(`"orders" lacks a column. Start from:${onOwnLines(statement)}\n\nSee the page`, 20)).toBe(
    [
      '"orders" lacks a',
      'column. Start from:',
      '',
      '  CREATE VIEW `shop`.`orders_for_batch` AS',
      '  SELECT',
      '    `user_id` AS custom_id',
      '',
      'See the page',
    ].join('\n'),
  );
});

test('escapes control characters', () => {
  expect(wrapMessage('a\u001b[2Jb', 80)).toBe('a\\u001b[2Jb');
});
