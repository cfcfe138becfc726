import { ConnectorError } from '../../protocol/errors.ts';
import { parseExact } from '../../shared/exact-json.ts';
import { retryFor } from '../../shared/retry.ts';
import type { Endpoint } from '../batch/endpoints.ts';
import { RetryableCallError } from '../batch/errors.ts';
import { maskName, maskValues } from '../batch/mask-values.ts';
import type { BatchResponse, PartialError } from '../batch/responses.ts';
import { describeRefusal, type Rejection } from '../codes.ts';
import { destinationError } from '../errors.ts';
import type { EventArena, EventNumber } from '../event-arena.ts';
import type { ProfileNumber } from '../profile-table.ts';
import type { Report } from '../report.ts';
import { countEvents, type Update } from './batcher.ts';
import { pauseAfter, pauseOrSlowDown, type Route } from './rate-limit.ts';
import { buildRequestBody } from './request-body.ts';

/** The delays between attempts, in milliseconds. They double from the minimum to the maximum, with random variation. */
const MIN_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 60_000;

/** Whether an event was accepted or rejected. */
export type Outcome = { kind: 'accepted' } | { kind: 'rejected'; rejection: Rejection };

const ACCEPTED: Outcome = { kind: 'accepted' };

/** A receiver of requests: Batch's API, or a dry run. */
export type Receiver = {
  /** Posts the JSON of an array of updates, in UTF-8. @param attempt 1 for the first attempt. */
  post: (endpoint: Endpoint, body: Buffer, signal: AbortSignal, attempt: number) => Promise<BatchResponse>;
};

export type PosterOptions = {
  /** Contains the events. */
  arena: EventArena;
  receiver: Receiver;
  report: Report;
  /** How long a request is retried, in milliseconds. */
  retryTimeMs: number;
  /**
   * Called before each retry. The report should be written at this point, because it may be a while until the next
   * event is settled.
   */
  onRetry: () => void;
  /** Called once for each event of a profile, when Batch has accepted or rejected it. */
  onSettled: (event: EventNumber, profile: ProfileNumber, outcome: Outcome) => void;
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

  /** After posting was aborted, the events that Batch may have stored although no response arrived. */
  get eventsOfUnknownOutcome(): EventNumber[] {
    // If Batch has accepted no request, and one has failed with an error such as a wrong key, Batch refuses the other
    // requests in flight too.
    if (this.#isDenied && !this.#hasAccepted) return [];
    return [...this.#unanswered].flatMap((updates) => updates.flatMap(({ events }) => events));
  }

  /**
   * Posts updates whose tokens were already taken from the route's bucket. Resolves when all their events are settled.
   */
  async post(updates: Update[], route: Route): Promise<void> {
    const response = await this.#postWithRetries(updates, route);
    switch (response.kind) {
      case 'accepted':
        return this.#settleAccepted(updates, response.errors);
      case 'accepted_unreadable':
        this.#options.report.reportUnreadableResponse(this.#maskEvents(response.detail, updates));
        return this.#settleAccepted(updates, []);
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
          shouldRetry: (error, remainingMs) => error instanceof RetryableCallError && pauseAfter(error) <= remainingMs,
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

  #settleAccepted(updates: Update[], errors: PartialError[]): void {
    const { report } = this.#options;
    this.#hasAccepted = true;
    const refused = new Map<number, string[]>();
    for (const { bulkIndex, attribute, reason } of errors) {
      const update = updates[bulkIndex];
      if (update === undefined) report.reportStrayError(this.#maskEvents(reason, updates));
      else if (attribute !== undefined)
        report.reportRefusedAttribute(maskName(attribute), () => this.#maskEvents(reason, [update]));
      else refused.set(bulkIndex, [...(refused.get(bulkIndex) ?? []), reason]);
    }
    for (const [index, update] of updates.entries()) {
      const reasons = refused.size === 0 ? undefined : refused.get(index);
      if (reasons === undefined) this.#settle(update, ACCEPTED);
      else this.#settle(update, createRejection(update, reasons.join('; '), false));
    }
  }

  /**
   * Handles a request that Batch refused as a whole, because it contains a bad event or is too large. Splits it in half
   * repeatedly, first between updates and then between the events of an update, until the bad event is isolated. Batch
   * stored nothing of the refused request, so no event arrives twice.
   */
  async #settleRefused(updates: Update[], route: Route, reason: string): Promise<void> {
    const halves = splitInHalf(updates);
    if (halves === undefined) {
      for (const update of updates) this.#settle(update, createRejection(update, reason, true));
      return;
    }
    for (const half of halves) {
      await route.bucket.take(half.length, this.#signal);
      await this.post(half, route);
    }
  }

  /** Masks the values of these updates in a message from Batch, so that it can be logged. */
  #maskEvents(words: string, updates: readonly Update[]): string {
    const { arena } = this.#options;
    return maskValues(
      words,
      updates.map(({ profile, events }) => [
        arena.profiles.readCustomId(profile),
        events.map((event) => parseExact(arena.read(event))),
      ]),
    );
  }

  #settle(update: Update, outcome: Outcome): void {
    for (const event of update.events) this.#options.onSettled(event, update.profile, outcome);
  }
}

/** Checks whether it is certain that Batch did not store a request that failed with this error. */
function isNotStored(error: unknown): boolean {
  return error instanceof ConnectorError || (error instanceof RetryableCallError && !error.outcomeUnknown);
}

function explainGivingUp(error: RetryableCallError, retryTimeMs: number): ConnectorError {
  const asked =
    error.retryAfterMs === undefined
      ? ''
      : `. Batch asks the connector to wait ${Math.ceil(error.retryAfterMs / 1000)} more seconds`;
  return destinationError(
    'batch_unreachable',
    `Batch accepted no request for ${retryTimeMs / 60_000} minutes (retry_minutes). The last error: ${error.message}${asked}. Batch or the network may be down. Run the sync again later; it continues from the last state.`,
    { cause: error },
  );
}

/** Splits a request into two parts, in order. Returns undefined if the request contains only one event. */
function splitInHalf(updates: Update[]): [Update[], Update[]] | undefined {
  const [only] = updates;
  if (only === undefined || updates.length > 1) {
    const middle = Math.ceil(updates.length / 2);
    return [updates.slice(0, middle), updates.slice(middle)];
  }
  if (only.events.length < 2) return undefined;
  const middle = Math.ceil(only.events.length / 2);
  return [[{ ...only, events: only.events.slice(0, middle) }], [{ ...only, events: only.events.slice(middle) }]];
}

/** @param whole whether Batch refused the entire request. If so, it stored none of the updates. */
function createRejection(update: Update, words: string, whole: boolean): Outcome {
  const refusal = { words, eventsInUpdate: update.events.length, whole };
  return { kind: 'rejected', rejection: { code: 'refused_by_batch', reason: describeRefusal(refusal), refusal } };
}
