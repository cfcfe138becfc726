import { ConnectorError } from '../../protocol/errors.ts';
import { parseExact } from '../../shared/exact-json.ts';
import { retryFor } from '../../shared/retry.ts';
import { bareName, parseAttributeRow, type RowAttribute, readAttributeRow } from '../attribute-rows.ts';
import type { Endpoint } from '../batch/endpoints.ts';
import { RetryableCallError } from '../batch/errors.ts';
import { maskName, maskValues } from '../batch/mask-values.ts';
import type { BatchResponse, PartialError } from '../batch/responses.ts';
import type { ItemNumber } from '../byte-arena.ts';
import { describeRefusal, type Rejection } from '../codes.ts';
import { destinationError } from '../errors.ts';
import type { ItemArena } from '../item-arena.ts';
import type { ProfileNumber } from '../profile-table.ts';
import type { Report } from '../report.ts';
import { countEvents, countItems, listItems, type Update } from './batcher.ts';
import { mergeRows } from './merge-attributes.ts';
import { choosePauseMs, pauseOrSlowDown, type Route } from './rate-limit.ts';
import { buildRequestBody } from './request-body.ts';

/** The delays between attempts, in milliseconds. They double from the minimum to the maximum, with random variation. */
const MIN_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 60_000;

/**
 * Whether an event, or a row with attributes, was accepted or rejected. `onlyAttributes` is true if Batch accepted the update, but
 * refused each attribute of the row.
 */
export type Outcome = { kind: 'accepted' } | { kind: 'rejected'; rejection: Rejection; onlyAttributes: boolean };

const ACCEPTED: Outcome = { kind: 'accepted' };

/** A receiver of requests: Batch's API, or a dry run. */
export type Receiver = {
  /** Posts the JSON of an array of updates, in UTF-8. @param attempt 1 for the first attempt. */
  post: (endpoint: Endpoint, body: Buffer, signal: AbortSignal, attempt: number) => Promise<BatchResponse>;
};

export type PosterOptions = {
  /** Contains the events. */
  arena: ItemArena;
  receiver: Receiver;
  report: Report;
  /** How long a request is retried, in milliseconds. */
  retryTimeMs: number;
  /**
   * Called before each retry. The report should be written at this point, because it may be a while until the next
   * event is settled.
   */
  onRetry: () => void;
  /** Called once for each event and each row with attributes of a profile, when Batch has accepted or rejected it. */
  onSettled: (item: ItemNumber, profile: ProfileNumber, outcome: Outcome) => void;
};

/**
 * Posts updates until all their events are settled. Retries failed requests, and splits requests that Batch refuses.
 */
export class UpdatePoster {
  readonly #options: PosterOptions;
  readonly #signal: AbortSignal;
  /** The updates of the requests that have received no response. Batch may nevertheless have stored these updates. */
  readonly #unanswered = new Set<readonly Update[]>();
  #hasAccepted = false;
  #isDenied = false;

  /** @param signal stops posting immediately when it is aborted. */
  constructor(options: PosterOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** After posting was aborted, the events and rows with attributes that Batch may have stored although no response arrived. */
  get itemsOfUnknownOutcome(): ItemNumber[] {
    // If Batch has accepted no request, and one has failed with an error such as a wrong key, Batch refuses the other
    // requests in flight too.
    if (this.#isDenied && !this.#hasAccepted) return [];
    return [...this.#unanswered].flatMap((updates) => updates.flatMap(listItems));
  }

  /**
   * Posts updates whose tokens were already taken from the route's bucket. Resolves when all their events are settled.
   */
  async post(updates: Update[], route: Route): Promise<void> {
    const response = await this.#postWithRetries(updates, route);
    switch (response.kind) {
      case 'accepted':
        return this.#settleAccepted(updates, route, response.errors);
      case 'accepted_unreadable':
        this.#options.report.reportUnreadableResponse(this.#maskItems(response.detail, updates));
        return this.#settleAccepted(updates, route, []);
      case 'refused':
        return this.#settleRefused(updates, route, response.reason);
    }
  }

  async #postWithRetries(updates: Update[], { endpoint, bucket }: Route): Promise<BatchResponse> {
    const { receiver, report, retryTimeMs, onRetry } = this.#options;
    const signal = this.#signal;
    const body = buildRequestBody(this.#options.arena, updates);
    let isOutcomeUnknown = false;
    const attempt = async (attemptNumber: number): Promise<BatchResponse> => {
      if (attemptNumber > 1) await bucket.take(updates.length, signal);
      report.countRequest(updates.length);
      this.#unanswered.add(updates);
      try {
        const response = await receiver.post(endpoint, body, signal, attemptNumber);
        this.#unanswered.delete(updates);
        return response;
      } catch (error) {
        if (error instanceof ConnectorError) this.#isDenied = true;
        if (isNotStored(error) && !isOutcomeUnknown) this.#unanswered.delete(updates);
        if (error instanceof RetryableCallError && error.outcomeUnknown && !isOutcomeUnknown && !signal.aborted) {
          isOutcomeUnknown = true;
          report.countPossibleDuplicates(countEvents(updates));
        }
        throw error;
      }
    };
    try {
      return await retryFor(
        {
          forMs: retryTimeMs,
          minDelayMs: MIN_RETRY_DELAY_MS,
          maxDelayMs: MAX_RETRY_DELAY_MS,
          signal,
          shouldRetry: (error, remainingMs) =>
            error instanceof RetryableCallError && choosePauseMs(error) <= remainingMs,
          onRetry: (error, attemptNumber) => {
            if (error instanceof RetryableCallError) pauseOrSlowDown(bucket, error);
            report.reportRetry(error.message, attemptNumber);
            onRetry();
          },
        },
        attempt,
      );
    } catch (error) {
      throw error instanceof RetryableCallError ? explainGivingUp(error, retryTimeMs) : error;
    }
  }

  async #settleAccepted(updates: Update[], route: Route, errors: PartialError[]): Promise<void> {
    this.#hasAccepted = true;
    const errorsOf = new Map<Update, PartialError[]>();
    for (const error of errors) {
      const update = updates[error.bulkIndex];
      if (update === undefined) this.#options.report.reportStrayError(this.#maskItems(error.reason, updates));
      else errorsOf.set(update, [...(errorsOf.get(update) ?? []), error]);
    }
    // A request must not contain two updates of one profile, because their order would be lost. So the older halves are sent first,
    // in a request of their own.
    const again: { older: Update[]; newer: Update[] } = { older: [], newer: [] };
    for (const update of updates) {
      const found = errorsOf.size === 0 ? undefined : errorsOf.get(update);
      if (found === undefined) this.#settle(update, ACCEPTED);
      else {
        const [older, newer] = this.#settleWithErrors(update, found);
        if (older !== undefined) again.older.push(older);
        if (newer !== undefined) again.newer.push(newer);
      }
    }
    await this.#postMore(again.older, route);
    await this.#postMore(again.newer, route);
  }

  /** Posts updates whose tokens were not taken yet. */
  async #postMore(updates: Update[], route: Route): Promise<void> {
    if (updates.length === 0) return;
    await route.bucket.take(updates.length, this.#signal);
    await this.post(updates, route);
  }

  /**
   * Settles an update for which Batch reports errors. If the update has several rows with attributes, or such a row and events, the
   * errors don't say which of them they are about. Attributes can be sent again without harm, so the rows with attributes are not
   * settled, but sent again in smaller updates.
   *
   * @returns the updates to send, in order.
   */
  #settleWithErrors(update: Update, errors: readonly PartialError[]): Update[] {
    const { arena } = this.#options;
    const { events, attributes } = update;
    const smaller = splitUpdate(arena, update)?.filter((part) => part.attributes !== undefined) ?? [];
    const sent = (attributes?.rows ?? []).flatMap((row) => readAttributeRow(arena.read(row)));
    const refused = errors.filter(({ attribute }) => attribute === undefined);
    const refusedAttributes = errors.filter(({ attribute }) => attribute !== undefined);
    if (smaller.length > 0) {
      const isOfEvents = (name = ''): boolean => events.length > 0 && !sent.some((own) => isSameAttribute(own, name));
      this.#reportAttributes(
        refusedAttributes.filter(({ attribute }) => isOfEvents(attribute)),
        update,
      );
      this.#settle({ ...update, attributes: undefined }, this.#judge(update, refused));
      return smaller;
    }
    this.#reportAttributes(refusedAttributes, update);
    const isNothingLeft =
      sent.length > 0 &&
      sent.every((own) => refusedAttributes.some(({ attribute = '' }) => isSameAttribute(own, attribute)));
    this.#settle(update, this.#judge(update, isNothingLeft ? errors : refused));
    return [];
  }

  #judge(update: Update, errors: readonly PartialError[]): Outcome {
    if (errors.length === 0) return ACCEPTED;
    const words = errors.map(({ reason }) => reason).join('; ');
    return createRejection(
      update,
      words,
      false,
      errors.every(({ attribute }) => attribute !== undefined),
    );
  }

  #reportAttributes(errors: readonly PartialError[], update: Update): void {
    for (const { attribute = '', reason } of errors)
      this.#options.report.reportRefusedAttribute(maskName(attribute), () => this.#maskItems(reason, [update]));
  }

  /**
   * Handles a request that Batch refused as a whole, because it contains a bad event or is too large. Splits it in half
   * repeatedly, first between updates and then between the events and rows of an update, until the bad one is isolated. Batch
   * stored nothing of the refused request, so no event arrives twice.
   */
  async #settleRefused(updates: Update[], route: Route, reason: string): Promise<void> {
    const halves = splitInHalf(this.#options.arena, updates);
    if (halves === undefined) {
      for (const update of updates) this.#settle(update, createRejection(update, reason, true));
      return;
    }
    for (const half of halves) await this.#postMore(half, route);
  }

  /** Masks the values of these updates in a message from Batch, so that it can be logged. */
  #maskItems(words: string, updates: readonly Update[]): string {
    const { arena } = this.#options;
    return maskValues(
      words,
      updates.map(({ profile, events, attributes }) => [
        arena.profiles.readCustomId(profile),
        events.map((event) => parseExact(arena.read(event))),
        attributes?.rows.map((row) => parseAttributeRow(arena.read(row))),
      ]),
    );
  }

  #settle(update: Update, outcome: Outcome): void {
    for (const item of listItems(update)) this.#options.onSettled(item, update.profile, outcome);
  }
}

/** Checks whether it is certain that Batch did not store a request that failed with this error. */
function isNotStored(error: unknown): boolean {
  return error instanceof ConnectorError || (error instanceof RetryableCallError && !error.outcomeUnknown);
}

function explainGivingUp(error: RetryableCallError, retryTimeMs: number): ConnectorError {
  const minutes = retryTimeMs / 60_000;
  const seen =
    error.retryAfterMs === undefined
      ? `Batch did not accept a request for ${minutes} minutes (retry_minutes).`
      : `Batch did not accept a request, and asks the connector to wait ${Math.ceil(error.retryAfterMs / 1000)} more seconds. That is more than what is left of ${minutes} minutes (retry_minutes).`;
  return destinationError(
    'batch_unreachable',
    `${seen} The last error: ${error.message}. Batch or the network may be down. Run the sync again later; it continues from the last state.`,
    { cause: error },
  );
}

/** Splits a request into two parts, in order. Returns undefined if the request contains only one event or row with attributes. */
function splitInHalf(arena: ItemArena, updates: Update[]): [Update[], Update[]] | undefined {
  const [only] = updates;
  if (only === undefined || updates.length > 1) return halve(updates);
  const parts = splitUpdate(arena, only);
  return parts && [[parts[0]], [parts[1]]];
}

/** Splits an update into two: first its attributes from its events, then its rows with attributes or its events in half. */
function splitUpdate(arena: ItemArena, update: Update): [Update, Update] | undefined {
  const { events, attributes } = update;
  const rows = attributes?.rows ?? [];
  if (rows.length > 0 && events.length > 0)
    return [
      { ...update, events: [] },
      { ...update, attributes: undefined },
    ];
  if (rows.length > 1) {
    const [older, newer] = halve(rows);
    return [
      { ...update, attributes: mergeRows(arena, older) },
      { ...update, attributes: mergeRows(arena, newer) },
    ];
  }
  if (events.length < 2) return undefined;
  const [older, newer] = halve(events);
  return [
    { ...update, events: older },
    { ...update, events: newer },
  ];
}

function halve<T>(items: readonly T[]): [T[], T[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}

/**
 * Checks whether an error of Batch is about this attribute. The error may name the attribute with its type, or only a part of the
 * attribute, such as an item of an array.
 */
function isSameAttribute({ name }: RowAttribute, refused: string): boolean {
  const [whole = ''] = refused.split(/[.[]/, 1);
  return bareName(whole) === bareName(name);
}

/**
 * @param whole whether Batch refused the entire request. If so, it stored none of the updates.
 * @param onlyAttributes see Outcome.
 */
function createRejection(update: Update, words: string, whole: boolean, onlyAttributes = false): Outcome {
  const refusal = { words, rowsInUpdate: countItems([update]), whole };
  const rejection: Rejection = { code: 'refused_by_batch', reason: describeRefusal(refusal), refusal };
  return { kind: 'rejected', rejection, onlyAttributes };
}
