import { redactForeign } from './secrets.ts';

/** Who has to act: the user (config_error), nobody but time (transient_error), us (system_error). */
export type FailureType = 'config_error' | 'transient_error' | 'system_error';

/**
 * What a failure is, by what a person has to do about it: two that ask for the same share a code. A code is stable, and
 * has its page in docs/troubleshooting. Whose it is to do goes with the code.
 */
export type ErrorKind = { code: string; failureType: FailureType };

/** The codes of what every command may fail with; those of a connector stand beside it. */
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
  /** What the other side said in its own words. */
  internalMessage?: string;
  stackTrace?: string | undefined;
  cause?: unknown;
  /** The code whose page helps most, where that is not the error's own. */
  page?: string;
};

/**
 * A failure that a person can act upon. `message` says what was seen, what it likely means and what to do, in that
 * order; the link to `page` is added where it is printed. A stack is there for faults of ours alone: a user's mistake
 * needs the sentence, not the place in our code.
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
 * What makes failures by their codes: those of every command, and some of one's own.
 *
 * @param own the codes of a connector, say, and whose it is to do something about each.
 */
export function defineErrors<Code extends string>(
  own: Readonly<Record<Code, FailureType>>,
): (code: Code | ProtocolErrorCode, message: string, options?: ErrorOptions) => ConnectorError {
  const failureTypes: Record<Code | ProtocolErrorCode, FailureType> = { ...PROTOCOL_ERRORS, ...own };
  return (code, message, options) => new ConnectorError({ code, failureType: failureTypes[code] }, message, options);
}

/** A failure that any command may have. */
export const protocolError = defineErrors({});

/** Any thrown value as a ConnectorError; what is not one already is a fault of this program. */
export function asConnectorError(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  return protocolError('unexpected_fault', `Unexpected fault in the connector: ${messageOf(error)}`, {
    internalMessage: messageOf(error),
    stackTrace: error instanceof Error && error.stack !== undefined ? redactForeign(error.stack) : undefined,
    cause: error,
  });
}

/** Whether a failure is a fault of this program. Others are answers about a configuration, or about what it leads to. */
export function isUnexpectedError({ code }: ConnectorError): boolean {
  const ours: ProtocolErrorCode = 'unexpected_fault';
  return code === ours;
}

/** The text of any thrown value, for messages: without the secrets of this process. */
export function messageOf(error: unknown): string {
  return redactForeign(rawMessageOf(error));
}

/** The text of any thrown value as it is, to recognise the value by. It must not get into a message. */
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
