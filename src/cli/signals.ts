import { constants } from 'node:os';

/** The signals that are sent by `kill`, by Ctrl-C, and when the terminal is closed. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** If a signal kills a process, a shell reports this number plus the number of the signal as the exit code. */
const SIGNAL_EXIT_CODE = 128;

export type SignalOptions = {
  signals?: readonly NodeJS.Signals[];
  /** Called at the first signal, before `stop` is aborted. */
  onFirst?: (signal: NodeJS.Signals) => void;
  /** Called at a second signal, before `stopAtOnce` is aborted. If undefined, the second signal ends the process. */
  onSecond?: () => void;
};

/**
 * Listens for SIGTERM and similar signals. The first signal asks a command to finish the work in progress, the second one asks it
 * to end immediately.
 */
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
    // A process with PID 1, as in a container, survives the signal. It then ends with this exit code, which has the same meaning.
    process.exitCode = SIGNAL_EXIT_CODE + constants.signals[this.#received];
    // Libraries add listeners for their cleanup. These would keep the signal from ending the process. All cleanup is done by now.
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
