import { constants } from 'node:os';

/** What a shell adds to the number of the signal that ended a process. */
const SIGNAL_EXIT_CODE = 128;

/** Ends this process by a signal that it has received and heeded, so that whoever waits for it knows why it ended. */
export function endBySignal(signal: NodeJS.Signals): void {
  // As process 1 of a container it would not end by a signal that it sends itself: this code says the same.
  process.exitCode = SIGNAL_EXIT_CODE + constants.signals[signal];
  // Libraries listen as well, to tidy up, and the signal would end nothing then. There is nothing left to tidy up.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
