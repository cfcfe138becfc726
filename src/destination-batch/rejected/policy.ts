import type { ConnectorError } from '../../protocol/errors.ts';
import { findRemedy, type RejectionCode } from '../codes.ts';
import type { OnRejection } from '../config/rejection.ts';
import { destinationError } from '../errors.ts';
import type { Tally } from '../write/checkpoints.ts';

/**
 * From this share on "nearly all" rows are rejected for one reason. Lower, a stream of which most visitors are not
 * signed in would fail; at 1, one good row among thousands would let a wrong mapping pass.
 */
const NEARLY_ALL = 0.95;

/**
 * Rows before a share is judged while a sync runs; until then, states behind such rows are held back. By chance, 95 of
 * 100 rows are not bad: with two bad rows of three that happens less than once in ten thousand million.
 */
const LEAST_ROWS = 100;

/**
 * Rows before a sync fails at its end because nearly all were rejected for one reason. With fewer, the only new rows of a
 * quiet hour may be bad ones, and failing would hold up the pipeline over and over, for the next run reads them again.
 */
const LEAST_ROWS_AT_END = 10;

/** What is to be done with a state, seen by the rows before it; `error` says why the sync must not go on. */
type Decision = { kind: 'fine' | 'undecided' } | { kind: 'failed'; error: ConnectorError };

const FINE: Decision = { kind: 'fine' };
const UNDECIDED: Decision = { kind: 'undecided' };

/**
 * Decides when rejected rows make the sync fail. It is asked about the rows before a state, not about those that happen
 * to be settled: so what it says depends on the stream alone, not on how fast Batch answers.
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

  /** A row was rejected. Gives the error if that is one too many: then no state behind it may be echoed. */
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

  /** Judges a state by the rows before it, while the sync runs. */
  decide(before: Tally): Decision {
    return this.#decide(before, false);
  }

  /** Judges all rows of the sync, at its end. */
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
    // At the end nothing more comes that could decide it.
    return !isAtEnd && (isNearlyAll || isOverShare) ? UNDECIDED : FINE;
  }
}

function createError(seen: string, code: RejectionCode): ConnectorError {
  return destinationError(
    'too_many_rejected',
    `${seen}. ${findRemedy(code)}; then run the sync again. It reads the rows since the last state again.`,
    // It is the rejection that is to be mended.
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
