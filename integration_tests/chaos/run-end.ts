import type { ConnectorName, Fault, Signal } from './faults.ts';

/** How a connector's process ended. */
export type ProcessEnd = {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
  signalsSent: readonly Signal[];
  /** How long after the last signal it ended, in milliseconds. */
  afterSignalMs: number | undefined;
};

/** How a run ended, and what had befallen it. */
export type RunEnd = Record<ConnectorName, ProcessEnd> & {
  /** Those of the plan that did happen. */
  met: readonly Fault[];
  /** Of the plan. */
  isBatchToStayAway: boolean;
  /** Events of requests that Batch stored without a response to the destination. */
  eventsOfUnknownOutcome: number;
  /** Whether each of them logged that it received a signal. */
  hasHeard: Readonly<Record<ConnectorName, boolean>>;
  /** What each of them said of its own failure (TRACE ERROR), be it by what code it ends. */
  failures: Readonly<Record<ConnectorName, string | undefined>>;
  /** It did not end by itself. */
  isStuck: boolean;
};

/** What makes it right that rows are sent again which no state of this run covers; undefined when nothing does. */
export function causeToSendAgain({ source, destination, met, failures, isStuck }: RunEnd): string | undefined {
  if (isStuck) return 'it was stuck and was killed';
  for (const { signalsSent } of [source, destination]) {
    if (signalsSent.includes('SIGKILL')) return 'SIGKILL';
    if (signalsSent.length > 1) return 'a second signal, which ends at once';
  }
  if (met.some(({ kind }) => kind === 'reader_leaves')) return 'a reader that left';
  if (met.some(({ kind }) => kind === 'output_full')) return 'an output that could not be written';
  if (failures.destination !== undefined) return 'a sync that failed';
  return undefined;
}

/** A process that ends so soon after a signal, and has not heard it, was at its end anyway. */
const AT_ITS_END_MS = 1_000;

/** What is wrong with how the processes of a run ended, by what is documented. */
export function complaintsAboutEnds(end: RunEnd): string[] {
  if (end.isStuck) return ['It did not end.'];
  const { source, destination } = end.failures;
  const isFailureRight = codesOfDestination(end).includes(1);
  return [
    ...complaintsAbout('source', end, codesOfSource(end)),
    ...complaintsAbout('destination', end, codesOfDestination(end)),
    // Whatever becomes of ClickHouse in a round, it is soon back.
    ...(source === undefined ? [] : [`The source failed: ${source}`]),
    ...(destination === undefined || isFailureRight ? [] : [`The destination failed: ${destination}`]),
  ];
}

/** What can't be said on stdout is said there. */
function isOfFullOutput(stderr: string, { met }: RunEnd): boolean {
  return (
    met.some(({ kind }) => kind === 'output_full') &&
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
  const wasAtItsEnd = endedByCode && isSoon && !end.hasHeard[name];
  if (signalsSent.length > 0 ? !endedBySignal && !wasAtItsEnd : !endedByCode) {
    const expected = signalsSent.length > 0 ? signalsSent.join(' or ') : `code ${codes.join(' or ')}`;
    complaints.push(`The ${name} ended with ${signal ?? `code ${code}`} instead of ${expected}.`);
  }
  return complaints;
}

/** Its output is closed when its reader leaves, and when the destination ends before it. */
function codesOfSource({ met, destination }: RunEnd): readonly number[] {
  const mayBeClosed =
    met.some((fault) => fault.kind === 'reader_leaves' || fault.kind === 'output_full') ||
    destination.signalsSent.length > 0 ||
    destination.code !== 0;
  return mayBeClosed ? [0, 1] : [0];
}

function codesOfDestination({ met, source, isBatchToStayAway }: RunEnd): readonly number[] {
  const has = (...kinds: Fault['kind'][]): boolean => met.some(({ kind }) => kinds.includes(kind));
  if (has('batch_away', 'output_full')) return [1];
  const mayFail =
    isBatchToStayAway ||
    // A row that is cut off keeps the sync from being whole.
    source.signalsSent.includes('SIGKILL') ||
    source.signalsSent.length > 1 ||
    // Where rejected rows can't be kept.
    has('disk_full') ||
    met.some((fault) => fault.kind === 'reader_leaves' && fault.of === 'destination');
  return mayFail ? [0, 1] : [0];
}
