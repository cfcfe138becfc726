import { redactForeign } from './secrets.ts';

/** Who can fix it: the user (config_error), a later retry (transient_error), the maintainers (system_error). */
export type FailureType = 'config_error' | 'transient_error' | 'system_error';

/**
 * An error by what the user has to do about it: errors with the same remedy share a code. A code is stable and has a page in
 * docs/troubleshooting. Each code has one failure type.
 */
export type ErrorKind = { code: string; failureType: FailureType };

/** The error codes of every command. Each connector has codes of its own. */
export const PROTOCOL_ERRORS = {
  command_invalid: 'config_error',
  file_unreadable: 'config_error',
  configuration_invalid: 'config_error',
  catalog_invalid: 'config_error',
  state_invalid: 'config_error',
  proxy_invalid: 'config_error',
  proxy_refused: 'config_error',
  output_unwritable: 'transient_error',
  unexpected_fault: 'system_error',
} as const satisfies Record<string, FailureType>;

export type ProtocolErrorCode = keyof typeof PROTOCOL_ERRORS;

export type ErrorOptions = {
  /** The message of the server or library. */
  internalMessage?: string;
  stackTrace?: string | undefined;
  cause?: unknown;
  /** The code whose page helps most, if it is not the error's own. */
  page?: string;
};

/**
 * An error that the user can act on. `message` says what was seen, what it likely means and what to do, in that order. The link
 * to `page` is added when it is printed. Only unexpected errors have a stack: for other errors the message is enough.
 */
export class ConnectorError extends Error {
  readonly code: string;
  readonly failureType: FailureType;
  readonly page: string;
  readonly internalMessage: string | undefined;
  readonly stackTrace: string | undefined;

  constructor({ code, failureType }: ErrorKind, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ConnectorError';
    this.code = code;
    this.failureType = failureType;
    this.page = options.page ?? code;
    this.internalMessage = options.internalMessage;
    this.stackTrace = options.stackTrace;
  }
}

/**
 * Returns a function that creates errors with the codes of every command, and some more.
 *
 * @param own the other codes, such as those of a connector, with their failure types.
 */
export function defineErrors<Code extends string>(
  own: Readonly<Record<Code, FailureType>>,
): (code: Code | ProtocolErrorCode, message: string, options?: ErrorOptions) => ConnectorError {
  const failureTypes: Record<Code | ProtocolErrorCode, FailureType> = { ...PROTOCOL_ERRORS, ...own };
  return (code, message, options) => new ConnectorError({ code, failureType: failureTypes[code] }, message, options);
}

/** Creates an error that any command may have. */
export const protocolError = defineErrors({});

/** Turns any thrown value into a ConnectorError: an unexpected error, if it is not one already. */
export function asConnectorError(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  return protocolError('unexpected_fault', `Unexpected error in the connector: ${messageOf(error)}`, {
    internalMessage: messageOf(error),
    stackTrace: error instanceof Error && error.stack !== undefined ? redactForeign(error.stack) : undefined,
    cause: error,
  });
}

/** Whether an error is a bug in this program. Other errors are about a configuration, or the servers that it names. */
export function isUnexpectedError({ code }: ConnectorError): boolean {
  const unexpected: ProtocolErrorCode = 'unexpected_fault';
  return code === unexpected;
}

/** The message of any thrown value, without the secrets of this process. */
export function messageOf(error: unknown): string {
  return redactForeign(rawMessageOf(error));
}

/** The unredacted message of any thrown value, for comparisons. It must not be printed. */
export function rawMessageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A system error in words, without its code, call and path: "no such file or directory". */
export function describeSystemError(error: unknown): string {
  const message = messageOf(error);
  const [, words] = /^E[A-Z0-9]+: (.+?), \w+( '|$)/.exec(message) ?? [];
  return words ?? message;
}

/** The code that Node and its libraries put on their errors, such as ECONNREFUSED; "" when there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
