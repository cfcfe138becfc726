import { constants } from 'node:os';

/** The signals that are sent by `kill`, by Ctrl-C, and when the terminal is closed. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** A shell reports a process that was killed by a signal as this exit code plus the number of the signal. */
const SIGNAL_EXIT_CODE = 128;

export type SignalOptions = {
  signals?: readonly NodeJS.Signals[];
  /** Called at the first signal, before `stop` is aborted. */
  onFirst?: (signal: NodeJS.Signals) => void;
  /** Called at a second signal, before `stopAtOnce` is aborted. If undefined, the second signal ends the process. */
  onSecond?: () => void;
};

/** Listens for SIGTERM and similar signals. The first asks a command to finish the work in progress, the second to end now. */
export class SigtermListener {
  readonly #options: SignalOptions;
  readonly #signals: readonly NodeJS.Signals[];
  readonly #stop = new AbortController();
  readonly #stopAtOnce = new AbortController();
  #received: NodeJS.Signals | undefined;

  constructor(options: SignalOptions = {}) {
    this.#options = options;
    this.#signals = options.signals ?? STOP_SIGNALS;
    for (const signal of this.#signals) process.on(signal, this.#onSignal);
  }

  /** Aborted by the first signal. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted by the second signal. */
  get stopAtOnce(): AbortSignal {
    return this.#stopAtOnce.signal;
  }

  /** Stops listening. A later signal ends the process. */
  close(): void {
    for (const signal of this.#signals) process.removeListener(signal, this.#onSignal);
  }

  /** Kills this process with the signal that it received, if any, so that the parent process knows why it ended. */
  endIfReceived(): void {
    if (this.#received === undefined) return;
    // PID 1 in a container is not killed by a signal that it sends to itself. For the parent, this exit code means the same.
    process.exitCode = SIGNAL_EXIT_CODE + constants.signals[this.#received];
    // Libraries add listeners for their cleanup, which would keep the signal from ending the process. All cleanup is done by now.
    process.removeAllListeners(this.#received);
    process.kill(process.pid, this.#received);
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    const isFirst = this.#received === undefined;
    this.#received = signal;
    if (isFirst) {
      if (this.#options.onSecond === undefined) this.close();
      this.#options.onFirst?.(signal);
      this.#stop.abort();
    } else {
      this.#options.onSecond?.();
      this.#stopAtOnce.abort();
    }
  };
}
