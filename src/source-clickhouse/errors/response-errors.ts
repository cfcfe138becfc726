/** The response of a proxy that can't reach the server. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly status: number;

  constructor(status: number, body: string) {
    super(body);
    this.status = status;
  }
}

/** A proxy refused the query, because of the login (401, 403) or a limit (429). chproxy does this, with its own messages. */
export class ProxyRefusalError extends Error {
  override readonly name = 'ProxyRefusalError';
  readonly status: number;

  constructor(status: number, body: string) {
    super(body);
    this.status = status;
  }
}

/** A response that is not from ClickHouse. */
export class NotClickHouseError extends Error {
  override readonly name = 'NotClickHouseError';
  readonly status: number;
  readonly answeredBefore: boolean;

  /** @param answeredBefore whether ClickHouse has already answered at this host and port in this run. */
  constructor(status: number, answeredBefore: boolean) {
    // The body is not shown, because it may contain rows.
    super(`HTTP ${status} with a response that is not from ClickHouse.`);
    this.status = status;
    this.answeredBefore = answeredBefore;
  }
}

/** A response contains something that is neither a row nor an error of ClickHouse. */
export class UnreadableResponseError extends Error {
  override readonly name = 'UnreadableResponseError';
  readonly bytes: number;

  /** @param bytes the number of bytes. The bytes themselves are not shown, because they may contain rows. */
  constructor(bytes: number) {
    super(`${bytes} bytes that are not a row.`);
    this.bytes = bytes;
  }
}

/** A response broke off, and the server sent no error. */
export class CutOffError extends Error {
  override readonly name = 'CutOffError';
  /** Node's code for a stream that closes before its end. */
  readonly code = 'ERR_STREAM_PREMATURE_CLOSE';

  constructor(cause?: unknown) {
    super('The response broke off.', { cause });
  }
}
