import type { ConnectorError } from '../protocol/errors.ts';

/** How a run ended. */
export type Outcome =
  | { kind: 'complete' }
  /** A signal stopped the run. `atOnce` is true after a second signal. Some rows may then be neither accepted nor rejected. */
  | { kind: 'stopped'; atOnce: boolean }
  | { kind: 'failed'; errors: readonly [ConnectorError, ...ConnectorError[]] };

export type RunResult = {
  outcome: Outcome;
  rowsRead: number;
  rowsAccepted: number;
  rowsRejected: number;
  milliseconds: number;
  state: SavedState;
};

/** What the record of a run contains besides its result. */
export type RunDetails = {
  /** Milliseconds since the epoch. */
  startedAt: number;
  syncMode: 'incremental' | 'full_refresh';
  /** A dry run sends nothing. */
  isDryRun: boolean;
  /** The rejected rows by code, as the destination counted them. They may include rows that no state covers. */
  rejectedByCode: Readonly<Record<string, number>>;
  /** The number of milliseconds by which the server's clock is ahead of this machine's; undefined if the server did not answer. */
  serverClockOffsetMs: number | undefined;
  /** The streams of the run. If the run failed before its streams were known, these are the streams that have a state. */
  streams: readonly StreamResult[];
};

export type StreamResult = {
  name: string;
  namespace: string | undefined;
  accepted: number;
  rejected: number;
  /** The position in the saved state; undefined without one, and in a full refresh, which has no state. */
  position: StreamPosition | undefined;
};

/** The position of a stream in a state. */
export type StreamPosition = {
  cursorColumn: string;
  /** The cursor up to which all rows were read; null if there are none yet, or if all rows are inside the lookback. */
  cursor: string | null;
  /** The newest cursor of the rows that were sent, including those inside the lookback (to the second); undefined without rows. */
  newest: string | undefined;
};

/** The state that the run left for the next one. */
export type SavedState =
  /** The run left the state file unchanged: it was a full refresh, or it failed or was stopped before it read rows. */
  | { kind: 'untouched' }
  /** Another process wrote the state file during the run. The version of the other process is kept. */
  | { kind: 'changed' }
  /** The run may have saved states in the state file. */
  | {
      kind: 'kept';
      /** The number of rows that were read, but that the state file doesn't cover. */
      rowsToComeAgain: number;
      /** Whether Batch may already have some of these rows, not counting the rows that the destination's own error is about. */
      mayComeTwice: boolean;
      /** Describes the position of each stream. */
      positions: readonly string[];
    };
