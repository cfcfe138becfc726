import type { ConnectorError } from '../../protocol/errors.ts';
import { findRemedy, type RejectionCode } from '../codes.ts';
import type { OnRejection } from '../config/rejection.ts';
import { destinationError } from '../errors.ts';
import type { Tally } from '../write/checkpoints.ts';

/**
 * The share from which "nearly all" rows are rejected for one reason. With a lower share, a stream in which most visitors
 * are not signed in would fail; with 1, one good row among thousands would hide a wrong mapping.
 */
const NEARLY_ALL = 0.95;

/**
 * The minimum number of rows for a decision while a sync runs; until then, states are held back. It is no accident when
 * 95 of 100 rows are bad: if two of three rows are bad, the chance is less than one in ten thousand million.
 */
const LEAST_ROWS = 100;

/**
 * The minimum number of rows for failing at the end of a sync because nearly all were rejected for one reason. The only new
 * rows of a quiet hour may be bad, and failing would block the pipeline, as each further run reads them again.
 */
const LEAST_ROWS_AT_END = 10;

/** Whether a state may be echoed, by the rows before it; `error` is why the sync must not continue. */
type Decision = { kind: 'fine' | 'undecided' } | { kind: 'failed'; error: ConnectorError };

const FINE: Decision = { kind: 'fine' };
const UNDECIDED: Decision = { kind: 'undecided' };

/**
 * Decides when rejected rows make the sync fail. It counts the rows before a state, and not those that happen to be settled,
 * so its decision depends on the stream and not on how fast Batch responds.
 */
export class RejectionPolicy {
  readonly #maxRows: number;
  readonly #maxShare: number | undefined;
  #rows = 0;
  readonly #rejected = new Map<RejectionCode, number>();

  constructor(options: OnRejection) {
    this.#maxShare = options.mode === 'fail' ? options.max_share : undefined;
    this.#maxRows =
      options.mode === 'skip'
        ? Number.POSITIVE_INFINITY
        : (options.max_rows ?? (this.#maxShare === undefined ? 0 : Number.POSITIVE_INFINITY));
  }

  /** A row was accepted. */
  countAccepted(): void {
    this.#rows += 1;
  }

  /** Counts a rejected row. Returns an error if that is one too many: then no state after it may be echoed. */
  countRejected(code: RejectionCode, reason: () => string): ConnectorError | undefined {
    this.#rows += 1;
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + 1);
    const rejected = sumCounts(this.#rejected);
    if (rejected <= this.#maxRows) return undefined;
    const which =
      this.#maxRows === 0
        ? `A row was rejected with ${code} (${reason()})`
        : `${rejected} rows were rejected, the last one with ${code} (${reason()})`;
    return createError(
      `${which}, and on_rejection fails the sync ${this.#maxRows === 0 ? 'at the first rejected row' : `after ${this.#maxRows}`}`,
      code,
    );
  }

  /** Decides about a state by the rows before it, while the sync runs. */
  decide(before: Tally): Decision {
    return this.#decide(before, false);
  }

  /** Decides about all rows of the sync, at its end. */
  decideAtEnd(): Decision {
    return this.#decide({ rows: this.#rows, rejected: this.#rejected }, true);
  }

  #decide({ rows, rejected }: Tally, isAtEnd: boolean): Decision {
    const [code, times] = findMostFrequent(rejected);
    if (code === undefined) return FINE;
    const isNearlyAll = times >= rows * NEARLY_ALL;
    if (isNearlyAll && rows >= (isAtEnd ? LEAST_ROWS_AT_END : LEAST_ROWS)) {
      return {
        kind: 'failed',
        error: createError(
          `${times} of the ${rows} rows ${isAtEnd ? 'of this sync' : 'so far'} were rejected with ${code}. That is too many to be exceptions: the mapping or the data is likely wrong`,
          code,
        ),
      };
    }
    const all = sumCounts(rejected);
    const isOverShare = this.#maxShare !== undefined && all > rows * this.#maxShare;
    if (isOverShare && (isAtEnd || rows >= LEAST_ROWS)) {
      return {
        kind: 'failed',
        error: createError(
          `${all} of ${rows} rows were rejected, most of them with ${code} (${times}), and on_rejection fails the sync above a share of ${this.#maxShare}`,
          code,
        ),
      };
    }
    // At the end no further row can decide it.
    return !isAtEnd && (isNearlyAll || isOverShare) ? UNDECIDED : FINE;
  }
}

function createError(seen: string, code: RejectionCode): ConnectorError {
  return destinationError(
    'too_many_rejected',
    `${seen}. ${findRemedy(code)}; then run the sync again. It reads the rows since the last state again.`,
    // The user has to fix the cause of the rejection.
    { page: code },
  );
}

function sumCounts(counts: ReadonlyMap<unknown, number>): number {
  let all = 0;
  for (const times of counts.values()) all += times;
  return all;
}

function findMostFrequent(
  counts: ReadonlyMap<RejectionCode, number>,
): [code: RejectionCode | undefined, times: number] {
  let most: [RejectionCode | undefined, number] = [undefined, 0];
  for (const [code, times] of counts) if (times > most[1]) most = [code, times];
  return most;
}
