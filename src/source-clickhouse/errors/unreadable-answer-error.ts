/** Something among the rows of an answer that is not a row, and not an error of ClickHouse. */
export class UnreadableResponseError extends Error {
  readonly bytes: number;

  /** @param bytes how many they are. They are not shown, as they may be those of rows. */
  constructor(bytes: number) {
    super(`${bytes} bytes that are not a row.`);
    this.name = 'UnreadableResponseError';
    this.bytes = bytes;
  }
}
