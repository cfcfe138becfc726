/** An answer that had begun broke off, and nobody said why. */
export class CutOffError extends Error {
  /** As Node says it of a stream that closes before its end. */
  readonly code = 'ERR_STREAM_PREMATURE_CLOSE';

  constructor(cause?: unknown) {
    super('The answer broke off.', { cause });
    this.name = 'CutOffError';
  }
}
