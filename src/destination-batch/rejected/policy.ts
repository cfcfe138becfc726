import type { ConnectorError } from '../../protocol/errors.ts';
import { formatNumber } from '../../shared/format.ts';
import { findRemedy, type RejectionCode } from '../codes.ts';
import type { OnRejection } from '../config/rejection.ts';
import { increment, sumCounts } from '../counts.ts';
import { destinationError } from '../errors.ts';
import type { Tally } from '../write/checkpoints.ts';

/**
 * The minimum share of rows, all rejected with the same code, that counts as nearly all rows. If this minimum were
 * lower, the sync of a stream in which most visitors are not signed in would fail. If it were 1, one good row among
 * thousands would hide a wrong mapping.
 */
const NEARLY_ALL = 0.95;

/**
 * The minimum number of rows before a running sync can fail because of the share of rejected rows. With fewer rows, the
 * states are held back if the sync may have to fail. 95 bad rows of 100 are not a coincidence: even if two of three
 * rows were bad on average, the probability of at least 95 bad rows would be less than 1 in 10 billion.
 */
const LEAST_ROWS = 100;

/**
 * The minimum number of rows before a sync can fail at its end because nearly all rows were rejected for the same
 * reason. In a quiet hour, there may be only a few new rows, and all of them may be bad. If the sync failed, each
 * further run would read the same rows again and likely fail too.
 */
const LEAST_ROWS_AT_END = 10;

/** Whether a state may be echoed, based on the rows before it. `error` says why the sync must not continue. */
type Decision = { kind: 'fine' | 'undecided' } | { kind: 'failed'; error: ConnectorError };

const FINE: Decision = { kind: 'fine' };
const UNDECIDED: Decision = { kind: 'undecided' };

/** Decides when rejected rows make the sync fail. */
export type Policy = Pick<RejectionPolicy, 'countAccepted' | 'countRejected' | 'decide' | 'decideAtEnd'>;

/** The policy of a retry, which never fails because of rejected rows: all its rows were rejected before. */
export const TOLERANT_POLICY: Policy = {
  countAccepted: () => {},
  countRejected: () => undefined,
  decide: () => FINE,
  decideAtEnd: () => FINE,
};

/**
 * Decides when rejected rows make the sync fail. The decision about a state is based on the rows before the state and
 * not on the rows that happen to be settled, so it does not depend on how fast Batch responds.
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

  countAccepted(): void {
    this.#rows += 1;
  }

  /**
   * Counts a rejected row. Returns an error if the maximum number of rejected rows is exceeded. In that case, no later
   * state may be echoed.
   */
  countRejected(code: RejectionCode, reason: () => string): ConnectorError | undefined {
    this.#rows += 1;
    increment(this.#rejected, code);
    const rejected = sumCounts(this.#rejected);
    if (rejected <= this.#maxRows) return undefined;
    const seen =
      this.#maxRows === 0
        ? `A row was rejected with ${code} (${reason()}), and on_rejection is set to fail at the first rejected row`
        : `${rejected} rows were rejected, the last one with ${code} (${reason()}), but on_rejection allows at most ${this.#maxRows}`;
    return createError(seen, code);
  }

  /** Decides about a state while the sync runs, based on the rows before it. */
  decide(before: Tally): Decision {
    return this.#decide(before, false);
  }

  /** Decides at the end of the sync, based on all its rows. */
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
          `${formatNumber(times)} of the ${formatNumber(rows)} rows ${isAtEnd ? 'of this sync' : 'so far'} were rejected with ${code}. ${explainMany(code)}`,
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
          `${formatNumber(all)} of ${formatNumber(rows)} rows were rejected, most often with ${code} (${formatNumber(times)}), but on_rejection allows at most a share of ${this.#maxShare}`,
          code,
        ),
      };
    }
    // At the end, the decision can't wait for further rows.
    return !isAtEnd && (isNearlyAll || isOverShare) ? UNDECIDED : FINE;
  }
}

/** Explains why nearly all rows were rejected with this code. */
function explainMany(code: RejectionCode): string {
  switch (code) {
    case 'event_too_old':
      return 'Batch refuses events that are too old';
    case 'event_in_future':
      return 'Batch refuses events whose time is in the future';
    default:
      return 'That is too many to be exceptions: the mapping or the data is likely wrong';
  }
}

function createError(seen: string, code: RejectionCode): ConnectorError {
  return destinationError(
    'too_many_rejected',
    `${seen}. ${findRemedy(code)}; then run the sync again. It reads the rows since the last state again.`,
    // The link in the error leads to the page about the rejection code, because the user has to fix the cause of the
    // rejections.
    { page: code },
  );
}

function findMostFrequent(
  counts: ReadonlyMap<RejectionCode, number>,
): [code: RejectionCode | undefined, times: number] {
  let most: [RejectionCode | undefined, number] = [undefined, 0];
  for (const [code, times] of counts) if (times > most[1]) most = [code, times];
  return most;
}
