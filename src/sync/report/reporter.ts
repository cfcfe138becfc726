import type { ConnectorError } from '../../protocol/errors.ts';
import type { DiscoveredStream } from '../../runner/messages.ts';
import type { Progress } from '../progress.ts';
import type { RunResult } from '../result.ts';
import type { NextStart } from '../schedule.ts';

/** The origin of a message: one of the two connectors, or `sync` itself. */
export type Component = 'source' | 'destination' | 'sync';

/** What is reported at the start of a run. */
export type RunStart = {
  streams: readonly Pick<DiscoveredStream, 'name' | 'namespace'>[];
  syncMode: 'incremental' | 'full_refresh';
  /** Whether there is a state to continue from. */
  resumes: boolean;
  /** The source's `start_from`: where a stream without a state begins. */
  startFrom?: string | undefined;
};

/** Reports what `sync` does, to a person or to another program. */
export type Reporter = {
  /** How often progress is reported, in milliseconds. */
  readonly progressIntervalMs: number;
  runStarted: (start: RunStart) => void;
  progress: (progress: Progress) => void;
  /** The progress at the end of a run. */
  lastProgress: (progress: Progress) => void;
  /** @param level a log level of the protocol. */
  log: (level: string, speaker: Component, message: string) => void;
  runEnded: (result: RunResult) => void;
  nextRun: (next: NextStart) => void;
  /** Reports that a signal ended a schedule between two runs. */
  stopped: () => void;
  /** Reports an error outside of a run: no run could start, or the lock was lost between two runs. */
  failed: (error: ConnectorError) => void;
};

/** Shows progress, with other lines above it. */
export type ProgressDisplay = {
  /** How often progress is updated, in milliseconds. */
  readonly intervalMs: number;
  show: (progress: Progress) => void;
  /** Shows what is being waited for, in place of the progress. */
  showWaiting: (text: string) => void;
  /** Writes a line above the progress. */
  line: (text: string) => void;
  /** Called when the run has ended. */
  end: () => void;
};
