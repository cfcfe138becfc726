import { getSystemErrorMap } from 'node:util';
import { redactForeign } from './secrets.ts';

/**
 * What fixes an error: a change by the user (config_error), a later retry (transient_error) or a new version of this program
 * (system_error).
 */
export type FailureType = 'config_error' | 'transient_error' | 'system_error';

/**
 * Identifies an error by its remedy: errors with the same remedy share a code. A code never changes, and has one failure type
 * and a page in docs/troubleshooting.
 */
export type ErrorKind = { code: string; failureType: FailureType };

/** The error codes that every command can report. Each connector has additional codes. */
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
  /** The original message of the server or library. */
  internalMessage?: string;
  stackTrace?: string | undefined;
  cause?: unknown;
  /** The code whose page the message links to. Defaults to the code of the error. */
  page?: string;
};

/**
 * An error that the user can act on. `message` says what was seen, what it likely means and what to do, in that order. The link
 * to `page` is added when the error is printed. Only unexpected errors have a stack trace: for others the message is enough.
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
 * Returns a function that creates errors. That function accepts the codes in `own` and the codes that every command can report.
 *
 * @param own additional codes, such as the codes of a connector, with their failure types.
 */
export function defineErrors<Code extends string>(
  own: Readonly<Record<Code, FailureType>>,
): (code: Code | ProtocolErrorCode, message: string, options?: ErrorOptions) => ConnectorError {
  const failureTypes: Record<Code | ProtocolErrorCode, FailureType> = { ...PROTOCOL_ERRORS, ...own };
  return (code, message, options) => new ConnectorError({ code, failureType: failureTypes[code] }, message, options);
}

/** Creates an error with a code that every command can report. */
export const protocolError = defineErrors({});

/** Converts any thrown value to a ConnectorError. A value that is not a ConnectorError becomes an unexpected error. */
export function asConnectorError(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  return protocolError('unexpected_fault', `Unexpected error in the connector: ${messageOf(error)}`, {
    internalMessage: messageOf(error),
    stackTrace: error instanceof Error && error.stack !== undefined ? redactForeign(error.stack) : undefined,
    cause: error,
  });
}

/** Checks whether an error is a bug in this program. All other errors have an outside cause, such as a setting or a server. */
export function isUnexpectedError({ code }: ConnectorError): boolean {
  const unexpected: ProtocolErrorCode = 'unexpected_fault';
  return code === unexpected;
}

/** Returns the message of any thrown value, with the secrets of this process masked. */
export function messageOf(error: unknown): string {
  return redactForeign(rawMessageOf(error));
}

/** Returns the message of any thrown value without masking secrets. Use it only for comparisons: it must not be printed. */
export function rawMessageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Describes a system error without its code, system call and path: "no such file or directory". */
export function describeSystemError(error: unknown): string {
  const message = messageOf(error);
  const [, words] = /^E[A-Z0-9]+: (.+?), \w+( '|$)/.exec(message) ?? [];
  if (words !== undefined) return words;
  // The message of an error of `spawn` has no description.
  const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
  return getSystemErrorMap().get(errno)?.[1] ?? message;
}

/** Returns the code of an error from Node or a library, such as ECONNREFUSED; "" if it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
