import { constants } from 'node:os';

/** The signals of `kill`, of Ctrl-C, and of a terminal that is closed. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** What a shell adds to the number of the signal that ended a process. */
const SIGNAL_EXIT_CODE = 128;

export type SignalOptions = {
  signals?: readonly NodeJS.Signals[];
  /** Called at the first signal, before `stop` is aborted. */
  onFirst?: (signal: NodeJS.Signals) => void;
  /** Called at a second signal, before `stopAtOnce` is aborted. Without it, the second signal ends the process. */
  onSecond?: () => void;
};

/** Listens for SIGTERM and the like: the first signal asks a command to finish what it has begun, a second one to end now. */
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

  /** Stops listening: from then on, a signal ends the process. */
  close(): void {
    for (const signal of this.#signals) process.removeListener(signal, this.#onSignal);
  }

  /** Ends this process by the signal that it has received, if any, so that its parent knows why it ended. */
  endIfReceived(): void {
    if (this.#received === undefined) return;
    // Process 1 of a container doesn't end by a signal that it sends itself. This exit code says the same.
    process.exitCode = SIGNAL_EXIT_CODE + constants.signals[this.#received];
    // Listeners of libraries, for their cleanup, would keep the signal from ending the process. Nothing is left to clean up.
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
