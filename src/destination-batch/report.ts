import type { DestinationMetrics } from '../protocol/analytics.ts';
import { troubleshootingPage } from '../protocol/help-pages.ts';
import type { Message } from '../protocol/messages.ts';
import { log } from '../protocol/messages.ts';
import { describeRetry } from '../protocol/retries.ts';
import { plural } from '../shared/format.ts';
import {
  type AttributeCode,
  type Change,
  type ChangeCode,
  type LeftOut,
  REJECTION_CODES,
  type RejectionCode,
} from './codes.ts';
import { increment, sumCounts } from './counts.ts';

/** The maximum number of rejected rows that are logged for each code. Further rows are only counted. */
const SAMPLES_PER_CODE = 3;

/** The maximum number of columns that are logged for each code. */
const MAX_COLUMNS_PER_CODE = 5;

/** The maximum number of columns that a line of the summary names. The others are counted together. */
const MAX_LISTED = 10;

const NONE_REJECTED = Object.fromEntries(REJECTION_CODES.map((code) => [code, 0]));

/**
 * Collects log messages and counts about rows and requests, and summarizes the counts at the end. Its messages never
 * contain the values of a row.
 */
export class Report {
  readonly #command: 'sync' | 'retry';
  #rows = 0;
  #accepted = 0;
  readonly #rejected = new Map<string, number>();
  readonly #leftOut = new Map<string, number>();
  readonly #changed = new Map<string, number>();
  readonly #renamed = new Map<string, number>();
  readonly #refusedAttributes = new Map<string, number>();
  /**
   * The number of columns or attributes with a warning, by code. It includes those that are not logged because there are too many.
   */
  readonly #columns = new Map<string, number>();
  readonly #skippedLines = new Map<string, number>();
  #requests = 0;
  #updates = 0;
  #retries = 0;
  #possibleDuplicates = 0;
  #covered = 0;
  #unknownOutcome = { accepted: 0, inFlight: 0 };
  #locations: { confirmed: string[]; unconfirmed: string[] } = { confirmed: [], unconfirmed: [] };
  #messages: Message[] = [];

  constructor(command: 'sync' | 'retry' = 'sync') {
    this.#command = command;
  }

  countRow(): void {
    this.#rows += 1;
  }

  countAccepted(): void {
    this.#accepted += 1;
  }

  /**
   * Counts the accepted rows that an echoed state covers. The next run does not send these rows again.
   *
   * @param accepted the number of accepted rows between the previous state and this one.
   */
  countCovered(accepted: number): void {
    this.#covered += accepted;
  }

  /**
   * Sets, at the end of a failed run, how many rows may be in Batch although no state covers them.
   *
   * @param inFlight the number of rows in flight that Batch may have stored.
   */
  setUnknownOutcome(inFlight: number): void {
    this.#unknownOutcome = { accepted: this.#accepted - this.#covered, inFlight };
  }

  /**
   * Counts a rejected row, and logs it if it is one of the first with its code.
   *
   * @param describe returns descriptions of the row and the reason, without values. It is called only if the row is
   * logged.
   */
  reportRejected(stream: string, code: RejectionCode, describe: () => { row: string; reason: string }): void {
    const times = increment(this.#rejected, code);
    if (times > SAMPLES_PER_CODE) return;
    const { row, reason } = describe();
    this.#messages.push(
      log(
        'WARN',
        `A row of ${stream} is rejected (${code}): ${reason}. Its columns: ${row}. See ${troubleshootingPage(code)}`,
      ),
    );
    if (times === SAMPLES_PER_CODE)
      this.#messages.push(log('WARN', `Further rows with ${code} are counted but not logged.`));
  }

  /** Sets where the rejected rows of this run are stored, for the summary. */
  setLocations(locations: { confirmed: string[]; unconfirmed: string[] }): void {
    this.#locations = locations;
  }

  /** Reports an attribute that was not sent. It is logged once per column and code, for the first columns with each code. */
  reportLeftOut(stream: string, { column, path, code, reason }: LeftOut): void {
    if (increment(this.#leftOut, `${column} (${code})`) > 1) return;
    const place = path === column ? `The column "${column}"` : `"${path}" in the column "${column}"`;
    this.#warnOfColumn(
      code,
      `${place} of ${stream} ${reason}. The row is sent without it (${code}; shown once per column)`,
    );
  }

  /** Reports a part of an event that was changed before sending. It is logged once per column and code, as in `reportLeftOut`. */
  reportChange(stream: string, { column, path, code, reason }: Change): void {
    // The mapper reports a renamed attribute only once, and not for each row, so the summary does not count renamed
    // attributes.
    const counts = code === 'name_lower_cased' ? this.#renamed : this.#changed;
    if (increment(counts, `${column} (${code})`) > 1) return;
    const place = path === column ? `The column "${column}"` : `"${path}" in the column "${column}"`;
    this.#warnOfColumn(code, `${place} of ${stream} ${reason} (${code}; shown once per column)`);
  }

  /**
   * Reports an attribute that Batch refused although it accepted the row. It is logged once per attribute, for the first
   * attributes.
   *
   * @param reason returns Batch's message without values.
   */
  reportRefusedAttribute(attribute: string, reason: () => string): void {
    if (increment(this.#refusedAttributes, attribute) > 1) return;
    this.#warnOfColumn(
      'attribute_refused_by_batch',
      `Batch left out the attribute "${attribute}": ${reason()}. The row was accepted without it (shown once per attribute)`,
    );
  }

  /**
   * Logs a warning about another column with this code. Only the first columns are logged, because a table can have hundreds of
   * columns with the same problem.
   */
  #warnOfColumn(code: AttributeCode | ChangeCode, message: string): void {
    const columns = increment(this.#columns, code);
    if (columns > MAX_COLUMNS_PER_CODE) return;
    this.#messages.push(log('WARN', `${message}. See ${troubleshootingPage(code)}`));
    if (columns === MAX_COLUMNS_PER_CODE)
      this.#messages.push(log('WARN', `Further columns with ${code} are not logged one by one.`));
  }

  /** Counts a line on stdin that is skipped, because it can't be read or the destination does not expect its type. */
  countSkippedLine(kind: string): void {
    increment(this.#skippedLines, kind);
  }

  /**
   * Reports an error of the source. In a pipe without a platform, only the destination receives the source's messages.
   */
  reportSourceError(message: string): void {
    this.#messages.push(log('ERROR', `The source failed: ${message}`));
  }

  /** Reports a warning of the source. `reportSourceError` explains why the destination reports it. */
  reportSourceWarning(message: string): void {
    this.#messages.push(log('WARN', `The source warns: ${message}`));
  }

  countRequest(updates: number): void {
    this.#requests += 1;
    this.#updates += updates;
  }

  reportRetry(problem: string, attempt: number): void {
    this.#retries += 1;
    this.#messages.push(log('WARN', describeRetry(`${problem}.`, attempt)));
  }

  /** Counts events that are sent again although they may already have arrived. */
  countPossibleDuplicates(events: number): void {
    this.#possibleDuplicates += events;
  }

  reportEndpointChange(endpoint: string, rows: number, seconds: number): void {
    this.#messages.push(
      log(
        'INFO',
        `${rows} rows are waiting, and sending them would take ${Math.round(seconds)} seconds. From now on, rows are sent with ${endpoint}.`,
      ),
    );
  }

  reportUnreadableResponse(detail: string): void {
    this.#messages.push(
      log(
        'WARN',
        `Batch accepted a request, but its response can't be read, so Batch may have left out events or attributes. The response: ${detail}`,
      ),
    );
  }

  /** Reports an error in Batch's response that refers to an update that is not in the request. */
  reportStrayError(reason: string): void {
    this.#messages.push(log('WARN', `Batch reported an error for an update that is not in the request: ${reason}.`));
  }

  warn(message: string): void {
    this.#messages.push(log('WARN', message));
  }

  /** Removes and returns the messages that were added since the last call. */
  drainMessages(): Message[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }

  /** The counts that are reported as metrics. */
  get metrics(): Pick<
    DestinationMetrics,
    'retries' | 'updates' | 'events_accepted' | 'rows_rejected' | 'possible_duplicates'
  > {
    return {
      retries: this.#retries,
      updates: this.#updates,
      events_accepted: this.#accepted,
      // The zeros let Prometheus see the first rejection with a code as an increase.
      rows_rejected: { ...NONE_REJECTED, ...Object.fromEntries(this.#rejected) },
      possible_duplicates: this.#possibleDuplicates,
    };
  }

  summarize(): Message[] {
    // The retry command reports its rows itself.
    const isSync = this.#command === 'sync';
    return [
      ...(isSync ? this.#summarizeRows() : []),
      ...this.#summarizeEvents(),
      ...(isSync ? this.#summarizeUnknownOutcome() : []),
      ...(this.#skippedLines.size > 0
        ? [log('INFO', `Lines on stdin that were skipped: ${listCounts(this.#skippedLines)}.`)]
        : []),
    ];
  }

  #summarizeRows(): Message[] {
    const rejected = sumCounts(this.#rejected);
    const unsettled = this.#rows - this.#accepted - rejected;
    const messages = [
      log(
        'INFO',
        `${formatPlainCount(this.#rows, 'row')} read: ${this.#accepted} accepted, ${rejected} rejected, ${unsettled} not sent${unsettled > 0 ? ' (the next run reads them again)' : ''}. ` +
          `${formatPlainCount(sumCounts(this.#leftOut) + sumCounts(this.#refusedAttributes), 'attribute')} left out, ${formatPlainCount(this.#possibleDuplicates, 'possible duplicate')}. ` +
          `${formatPlainCount(this.#requests, 'request')} with ${formatPlainCount(this.#updates, 'update')}, ${formatPlainCount(this.#retries, 'retry', 'retries')}.`,
      ),
    ];
    if (rejected > 0) messages.push(log('WARN', `Rows rejected: ${listCounts(this.#rejected)}.`));
    const { confirmed, unconfirmed } = this.#locations;
    if (confirmed.length > 0) messages.push(log('INFO', `Rejected rows are kept in ${confirmed.join(', ')}.`));
    if (unconfirmed.length > 0) {
      messages.push(
        log(
          'WARN',
          `Rejected rows after the last state are kept in ${unconfirmed.join(', ')}. The next run reads them again, so don't send them yourself, unless this run replayed rows from a file.`,
        ),
      );
    }
    return messages;
  }

  /** Summarizes what happened to the events apart from the rejections. */
  #summarizeEvents(): Message[] {
    const messages = [];
    if (this.#leftOut.size > 0)
      messages.push(log('WARN', `Attributes left out before sending: ${listCounts(this.#leftOut)}.`));
    if (this.#changed.size > 0) messages.push(log('WARN', `Changed before sending: ${listCounts(this.#changed)}.`));
    if (this.#refusedAttributes.size > 0)
      messages.push(log('WARN', `Attributes left out by Batch: ${listCounts(this.#refusedAttributes)}.`));
    if (this.#possibleDuplicates > 0) {
      messages.push(
        log(
          'WARN',
          `${formatPlainCount(this.#possibleDuplicates, 'event')} may have reached Batch twice: a request was sent again after its response was lost.`,
        ),
      );
    }
    return messages;
  }

  #summarizeUnknownOutcome(): Message[] {
    const { accepted, inFlight } = this.#unknownOutcome;
    if (accepted + inFlight === 0) return [];
    return [
      log(
        'WARN',
        `${accepted + inFlight} of the rows that the next run sends again may be in Batch already: ${accepted} were accepted after the last state, and ${inFlight} were in flight when the run ended.`,
      ),
    ];
  }
}

/** Formats a count and its noun. The count has no commas between its digits, so that scripts can match it. */
function formatPlainCount(times: number, one: string, several?: string): string {
  return `${times} ${plural(times, one, several)}`;
}

/** Lists the first counts, and the sum of the others. */
function listCounts(counts: ReadonlyMap<string, number>): string {
  const all = [...counts];
  const listed = all.slice(0, MAX_LISTED).map(([key, times]) => `${key}: ${times}`);
  const others = all.slice(MAX_LISTED);
  if (others.length > 0) listed.push(`${others.length} others: ${sumCounts(new Map(others))}`);
  return listed.join(', ');
}
