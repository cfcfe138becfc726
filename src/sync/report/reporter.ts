import type { ConnectorError } from '../../protocol/errors.ts';
import type { DiscoveredStream } from '../../runner/messages.ts';
import type { Progress } from '../progress.ts';
import type { RunResult } from '../result.ts';
import type { NextStart } from '../schedule.ts';

/** Who says something: one of the two connectors, or what runs them. */
export type Component = 'source' | 'destination' | 'sync';

/** How a run begins. */
export type RunStart = {
  streams: readonly Pick<DiscoveredStream, 'name' | 'namespace'>[];
  syncMode: 'incremental' | 'full_refresh';
  /** Whether there is a state to go on from. */
  resumes: boolean;
};

/** Tells a person or a machine how it goes. */
export type Reporter = {
  /** How often progress is to be told, in milliseconds. */
  readonly progressIntervalMs: number;
  runStarted: (start: RunStart) => void;
  progress: (progress: Progress) => void;
  /** Where a run has come to at its end. */
  lastProgress: (progress: Progress) => void;
  /** @param level one of the protocol's. */
  log: (level: string, speaker: Component, message: string) => void;
  runEnded: (result: RunResult) => void;
  nextRun: (next: NextStart) => void;
  /** What keeps `sync` from running at all. */
  failed: (error: ConnectorError) => void;
};

/** Where progress is shown to a person, and lines beside it. */
export type ProgressDisplay = {
  /** How often there is something to show, in milliseconds. */
  readonly intervalMs: number;
  show: (progress: Progress) => void;
  /** Writes a line, where it does not get into the way. */
  line: (text: string) => void;
  /** The run has ended. */
  end: () => void;
};
