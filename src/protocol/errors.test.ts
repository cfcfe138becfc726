import { describe, expect, test } from 'vitest';
import { asConnectorError, ConnectorError, codeOf, messageOf, protocolError } from './errors.ts';

describe('asConnectorError', () => {
  test('returns a ConnectorError unchanged', () => {
    const failure = protocolError('file_unreadable', 'Look at it.');
    expect(asConnectorError(failure)).toBe(failure);
  });

  test('turns any other error into an unexpected error with its message, stack and cause', () => {
    const error = new TypeError('x is not a function');
    const failure = asConnectorError(error);
    expect(failure).toBeInstanceOf(ConnectorError);
    expect(failure).toMatchObject({ code: 'unexpected_fault', failureType: 'system_error' });
    expect(failure.message).toBe('Unexpected error in the connector: x is not a function');
    expect(failure.internalMessage).toBe('x is not a function');
    expect(failure.stackTrace).toBe(error.stack);
    expect(failure.cause).toBe(error);
  });

  test.each<[unknown, string]>([
    ['a text', 'a text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [42, '42'],
  ])('turns a thrown %j into an error without a stack', (thrown, text) => {
    const failure = asConnectorError(thrown);
    expect(failure.message).toBe(`Unexpected error in the connector: ${text}`);
    expect(failure.internalMessage).toBe(text);
    expect(failure.stackTrace).toBeUndefined();
  });
});

test('an error has the failure type and the page of its code, unless another page is given', () => {
  const words = { code: 'state_invalid', failureType: 'config_error', message: 'Give it back.' };
  expect(protocolError('state_invalid', 'Give it back.')).toMatchObject({ ...words, page: 'state_invalid' });
  const failure = new ConnectorError({ code: 'too_many', failureType: 'transient_error' }, 'Wait.', { page: 'other' });
  expect(failure).toMatchObject({ code: 'too_many', failureType: 'transient_error', page: 'other' });
});

test('an error without a cause has no property for it', () => {
  expect(Object.hasOwn(protocolError('file_unreadable', 'x'), 'cause')).toBe(false);
});

test.each<[unknown, string]>([
  [new Error('a message'), 'a message'],
  ['a text', 'a text'],
  [7, '7'],
])('messageOf %s', (thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});

test.each<[string, unknown, string]>([
  ['an error of Node', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  ['an error without one', new Error('x'), ''],
  ['an error with a number for one', Object.assign(new Error('x'), { code: 7 }), ''],
  ['a value that is not an Error', { code: 'ECONNREFUSED' }, ''],
  ['nothing', undefined, ''],
])('codeOf %s', (_, thrown, code) => {
  expect(codeOf(thrown)).toBe(code);
});
