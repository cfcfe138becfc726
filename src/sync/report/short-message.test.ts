import { expect, test } from 'vitest';
import { troubleshootingPage } from '../../protocol/help-pages.ts';
import { shortenMessage } from './short-message.ts';

test.each([
  ['A plain one.', 'A plain one.'],
  [
    `A row of events is rejected (custom_id_missing): it is NULL. Its columns: a (text), b (text). See ${troubleshootingPage('custom_id_missing')}`,
    'A row of events is rejected (custom_id_missing): it is NULL.',
  ],
  [
    `The column "a" of events is a blank text (text_blank; told once a column). See ${troubleshootingPage('text_blank')}`,
    'The column "a" of events is a blank text (text_blank; told once a column).',
  ],
  [
    `Batch left out the attribute "a" (told once an attribute). See ${troubleshootingPage('attribute_refused_by_batch')}`,
    'Batch left out the attribute "a" (told once an attribute). (attribute_refused_by_batch)',
  ],
])('%s', (message, expected) => {
  expect(shortenMessage(message)).toBe(expected);
});
