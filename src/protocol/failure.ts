/** Who has to act: the user (config_error), nobody but time (transient_error), us (system_error). */
export type FailureType = 'config_error' | 'transient_error' | 'system_error';

/**
 * A failure that a person can act upon. `message` says what was seen, what it likely means and what to do, in that
 * order; `internalMessage` is what the other side said in its own words. A stack is there for faults of ours alone: a
 * user's mistake needs the sentence, not the place in our code.
 */
export class ConnectorError extends Error {
  readonly failureType: FailureType;
  readonly internalMessage: string | undefined;
  readonly stackTrace: string | undefined;

  constructor(
    failureType: FailureType,
    message: string,
    options: { internalMessage?: string; stackTrace?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ConnectorError';
    this.failureType = failureType;
    this.internalMessage = options.internalMessage;
    this.stackTrace = options.stackTrace;
  }
}

/** Any thrown value as a ConnectorError; what is not one already is a fault of this program. */
export function asConnectorError(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  return new ConnectorError('system_error', `Unexpected fault in the connector: ${messageOf(error)}`, {
    internalMessage: messageOf(error),
    stackTrace: error instanceof Error ? error.stack : undefined,
    cause: error,
  });
}

/** The text of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code that Node and its libraries put on their errors, such as ECONNREFUSED; "" when there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
