/** What a proxy answered in the place of a server that it could not reach. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly status: number;

  constructor(status: number, body: string) {
    super(body);
    this.status = status;
  }
}

/** A proxy refused the query itself: the login (401, 403), or for now (429). chproxy answers so, with words of its own. */
export class ProxyRefusalError extends Error {
  override readonly name = 'ProxyRefusalError';
  readonly status: number;

  constructor(status: number, body: string) {
    super(body);
    this.status = status;
  }
}

/** An answer that ClickHouse does not give. */
export class NotClickHouseError extends Error {
  override readonly name = 'NotClickHouseError';
  readonly status: number;
  readonly answeredBefore: boolean;

  /** @param answeredBefore whether ClickHouse has answered at this host and port in this run. */
  constructor(status: number, answeredBefore: boolean) {
    // What came is not shown: it may hold rows.
    super(`HTTP ${status} with an answer that is not ClickHouse's.`);
    this.status = status;
    this.answeredBefore = answeredBefore;
  }
}

/** Something among the rows of an answer that is not a row, and not an error of ClickHouse. */
export class UnreadableResponseError extends Error {
  override readonly name = 'UnreadableResponseError';
  readonly bytes: number;

  /** @param bytes how many they are. They are not shown, as they may be those of rows. */
  constructor(bytes: number) {
    super(`${bytes} bytes that are not a row.`);
    this.bytes = bytes;
  }
}

/** An answer that had begun broke off, and nobody said why. */
export class CutOffError extends Error {
  override readonly name = 'CutOffError';
  /** As Node says it of a stream that closes before its end. */
  readonly code = 'ERR_STREAM_PREMATURE_CLOSE';

  constructor(cause?: unknown) {
    super('The answer broke off.', { cause });
  }
}
