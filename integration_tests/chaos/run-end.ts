import type { ConnectorName, Fault, Signal } from './faults.ts';

/** How a connector's process ended. */
export type ProcessEnd = {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
  signalsSent: readonly Signal[];
  /** The time from the last signal to the end of the process, in milliseconds. */
  afterSignalMs: number | undefined;
};

/** How a run ended, and which faults occurred in it. */
export type RunEnd = Record<ConnectorName, ProcessEnd> & {
  /** The faults of the plan that occurred. */
  occurred: readonly Fault[];
  /** Whether the plan contains `batch_away`. */
  isBatchAway: boolean;
  /** The number of events in requests that Batch may have stored although the destination got no valid response. */
  eventsOfUnknownOutcome: number;
  /** Whether each of them logged that it received a signal. */
  loggedSignal: Readonly<Record<ConnectorName, boolean>>;
  /** The message of each connector's TRACE ERROR, whatever its exit code is. */
  failures: Readonly<Record<ConnectorName, string | undefined>>;
  /** Whether the run had to be killed because it did not end. */
  isStuck: boolean;
};

/** Returns the reason why rows that no state of this run covers may be sent again. Returns undefined if there is none. */
export function causeToSendAgain({ source, destination, occurred, failures, isStuck }: RunEnd): string | undefined {
  if (isStuck) return 'the run was stuck and was killed';
  for (const { signalsSent } of [source, destination]) {
    if (signalsSent.includes('SIGKILL')) return 'SIGKILL';
    if (signalsSent.length > 1) return 'a second signal, which stops a connector at once';
  }
  if (occurred.some(({ kind }) => kind === 'reader_leaves')) return 'a reader that closed its pipe';
  if (occurred.some(({ kind }) => kind === 'output_full')) return 'an output that could not be written';
  if (failures.destination !== undefined) return 'a sync that failed';
  return undefined;
}

/** If a process ends within this time after a signal without logging it, it was already ending. In milliseconds. */
const AT_ITS_END_MS = 1_000;

/** Returns a complaint for each process of a run that did not end as documented. */
export function complaintsAboutEnds(end: RunEnd): string[] {
  if (end.isStuck) return ['The run did not end'];
  const { source, destination } = end.failures;
  const isFailureRight = codesOfDestination(end).includes(1);
  return [
    ...complaintsAbout('source', end, codesOfSource(end)),
    ...complaintsAbout('destination', end, codesOfDestination(end)),
    // In a round, ClickHouse is never down for long, so the source must not fail.
    ...(source === undefined ? [] : [`The source failed: ${source}`]),
    ...(destination === undefined || isFailureRight ? [] : [`The destination failed: ${destination}`]),
  ];
}

/** Whether stderr only contains the error that stdout can't be written, in a run in which it can't. */
function isOfFullOutput(stderr: string, { occurred }: RunEnd): boolean {
  return (
    occurred.some(({ kind }) => kind === 'output_full') &&
    /^Can't write the output of this command: .+\boutput_unwritable\.md\n$/.test(stderr)
  );
}

function complaintsAbout(name: ConnectorName, end: RunEnd, codes: readonly number[]): string[] {
  const { code, signal, stderr, signalsSent, afterSignalMs } = end[name];
  const complaints: string[] = [];
  if (stderr !== '' && !isOfFullOutput(stderr, end))
    complaints.push(`The ${name} wrote to stderr: ${stderr.slice(0, 2_000)}`);
  const endedByCode = code !== null && codes.includes(code);
  const endedBySignal = signalsSent.some((sent) => sent === signal);
  const isSoon = afterSignalMs !== undefined && afterSignalMs < AT_ITS_END_MS;
  const wasAtItsEnd = endedByCode && isSoon && !end.loggedSignal[name];
  if (signalsSent.length > 0 ? !endedBySignal && !wasAtItsEnd : !endedByCode) {
    const expected = signalsSent.length > 0 ? signalsSent.join(' or ') : `code ${codes.join(' or ')}`;
    complaints.push(`The ${name} ended with ${signal ?? `code ${code}`} instead of ${expected}`);
  }
  return complaints;
}

/** The allowed exit codes of the source. It may fail if its output is closed: by its reader, or because the destination ended. */
function codesOfSource({ occurred, destination }: RunEnd): readonly number[] {
  const mayBeClosed =
    occurred.some((fault) => fault.kind === 'reader_leaves' || fault.kind === 'output_full') ||
    destination.signalsSent.length > 0 ||
    destination.code !== 0;
  return mayBeClosed ? [0, 1] : [0];
}

/** The allowed exit codes of the destination. */
function codesOfDestination({ occurred, source, isBatchAway }: RunEnd): readonly number[] {
  const has = (...kinds: Fault['kind'][]): boolean => occurred.some(({ kind }) => kinds.includes(kind));
  if (has('batch_away', 'output_full')) return [1];
  const mayFail =
    isBatchAway ||
    // The destination's input may end in the middle of a row.
    source.signalsSent.includes('SIGKILL') ||
    source.signalsSent.length > 1 ||
    // Rejected rows can't be stored.
    has('disk_full') ||
    occurred.some((fault) => fault.kind === 'reader_leaves' && fault.of === 'destination');
  return mayFail ? [0, 1] : [0];
}
