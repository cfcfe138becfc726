import { isJsonObject, tryParseJson } from '../../shared/exact-json.ts';

/** Which rows to send. */
export type RetryFilter = {
  /** The code of the last rejection of the rows; undefined for any code. */
  reason: string | undefined;
  /** The earliest time of the last rejection of the rows, in milliseconds since the epoch. */
  since: number | undefined;
  /** The maximum number of rows. */
  limit: number | undefined;
  /** Whether to send events that Batch may have stored, or that the next run of a sync may read again. */
  includeUncertain: boolean;
  /** Whether to send attributes of profiles. They replace newer values that a sync has sent since. */
  includeAttributes: boolean;
};

/** A row that is stored as rejected. `namespace` is undefined if its stream has none. */
export type StoredRow = {
  stream: string;
  namespace: string | undefined;
  data: Record<string, unknown>;
  code: string | undefined;
  rejectedAt: number;
  mayHaveArrived: boolean;
};

/**
 * What to do with a line: `send` its row, or keep the line. A row is kept because it is not selected by the filter, because it is
 * uncertain, because it has attributes of a profile, because the limit is reached, or because the line can't be read.
 */
export type Decision = 'send' | 'filtered' | 'uncertain' | 'attributes' | 'over_limit' | 'unreadable';

/** Parses the line of a rejected row. Returns undefined if it is not a RECORD message. */
export function parseStoredRow(line: string): StoredRow | undefined {
  const message = tryParseJson(line);
  if (!isJsonObject(message) || message.type !== 'RECORD' || !isJsonObject(message.record)) return undefined;
  const { stream, namespace, data } = message.record;
  if (typeof stream !== 'string' || !isJsonObject(data)) return undefined;
  const rejection = isJsonObject(message.rejection) ? message.rejection : {};
  return {
    stream,
    namespace: typeof namespace === 'string' ? namespace : undefined,
    data,
    code: typeof rejection.code === 'string' ? rejection.code : undefined,
    rejectedAt: typeof rejection.rejected_at === 'string' ? Date.parse(rejection.rejected_at) : Number.NaN,
    mayHaveArrived: rejection.may_have_arrived === true,
  };
}

/** Decides about the rows one after another, in the order in which they are read. */
export class Selection {
  readonly #filter: RetryFilter;
  #left: number;

  constructor(filter: RetryFilter) {
    this.#filter = filter;
    this.#left = filter.limit ?? Number.POSITIVE_INFINITY;
  }

  /**
   * @param isUncertain whether the row is uncertain because of its file, or because a retry may have sent it.
   * @param hasAttributes whether the row has attributes of a profile. Attributes can be sent twice without harm, so such a row is
   * never uncertain.
   */
  decide(row: StoredRow | undefined, isUncertain: boolean, hasAttributes: boolean): Decision {
    const { reason, since, includeUncertain, includeAttributes } = this.#filter;
    if (row === undefined) return 'unreadable';
    if (reason !== undefined && row.code !== reason) return 'filtered';
    if (since !== undefined && !(row.rejectedAt >= since)) return 'filtered';
    if (hasAttributes) {
      if (!includeAttributes) return 'attributes';
    } else if ((isUncertain || row.mayHaveArrived) && !includeUncertain) return 'uncertain';
    if (this.#left === 0) return 'over_limit';
    this.#left -= 1;
    return 'send';
  }
}
