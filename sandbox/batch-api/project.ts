import type { Answer, PartialError, Refusal } from './answers.ts';
import { AttributeTypes } from './attribute-types.ts';
import { type Call, type Endpoint, readCall } from './call.ts';
import type { InjectedError } from './faults.ts';
import { judgeWithFault, toPartialError } from './injected-error.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { changedLimits, DEFAULT_LIMITS, type Limits } from './limits.ts';
import { REJECTED_KEPT } from './rejected-log.ts';
import { listRejectedUpdates, type RejectedUpdate } from './rejected-updates.ts';
import { addCall, type CallStats, NO_CALLS } from './stats.ts';
import { Store } from './store.ts';
import { type BucketSize, TokenBucket } from './token-bucket.ts';
import { countEvents, judgeUpdate } from './update.ts';

export type Handled = {
  readonly answer: Answer;
  /** Updates and events in the call, accepted or not. */
  readonly updates: number;
  readonly events: number;
  /** All partial errors, also of an answer that a fault withholds. */
  readonly errors: readonly PartialError[];
  /** The last of them, with their updates. */
  readonly rejected: readonly RejectedUpdate[];
};

/** The contents of a call that was not read. */
export const NOTHING_READ = { updates: 0, events: 0, errors: [], rejected: [] } satisfies Omit<Handled, 'answer'>;

/** How faults change the handling of a call. */
export type Interference = {
  /** Refuses a valid call. */
  readonly refusal?: Refusal | undefined;
  readonly partials?: readonly InjectedError[];
};

type TokenStats = { readonly left: number; readonly used: number };

export type ProjectStats = CallStats & { readonly tokens: Readonly<Record<Endpoint, TokenStats>> };

export type TokenPast = {
  /** Most tokens in the bucket, and how many come back each second. */
  readonly capacity: number;
  readonly per_second: number;
  /** The fewest tokens left in each of the last seconds, oldest first. */
  readonly fewest_left: readonly number[];
};

/** A project of Batch: handles authorised calls, without HTTP. Each project has its own buckets [inferred]. */
export class Project {
  readonly store = new Store();
  readonly #now: () => number;
  readonly #buckets: Readonly<Record<Endpoint, TokenBucket>>;
  #limits: Limits;
  #stats: CallStats = NO_CALLS;
  readonly #types = new AttributeTypes();

  constructor(limits: Partial<Limits>, now: () => number) {
    this.#limits = changedLimits(DEFAULT_LIMITS, limits);
    this.#now = now;
    const sizes = bucketSizes(this.#limits);
    this.#buckets = {
      update: new TokenBucket(sizes.update, now),
      'mass-update': new TokenBucket(sizes['mass-update'], now),
    };
  }

  get limits(): Limits {
    return this.#limits;
  }

  /**
   * Changes limits for the next calls. A bucket that grows fills at its rate.
   *
   * @throws {BadRequest} for an unknown name or an invalid value; then nothing changes.
   */
  changeLimits(changes: unknown): void {
    this.#limits = changedLimits(this.#limits, changes);
    const sizes = bucketSizes(this.#limits);
    this.#buckets.update.resize(sizes.update);
    this.#buckets['mass-update'].resize(sizes['mass-update']);
  }

  get stats(): ProjectStats {
    const { update, 'mass-update': massUpdate } = this.#buckets;
    return {
      ...this.#stats,
      tokens: {
        update: { left: update.left, used: update.used },
        'mass-update': { left: massUpdate.left, used: massUpdate.used },
      },
    };
  }

  /** The tokens in the buckets during the last two minutes. */
  get tokenPast(): Readonly<Record<Endpoint, TokenPast>> {
    return { update: readTokenPast(this.#buckets.update), 'mass-update': readTokenPast(this.#buckets['mass-update']) };
  }

  /** Deletes events, profiles and stats, and fills the buckets. */
  reset(): void {
    this.store.clear();
    this.#types.clear();
    this.#stats = NO_CALLS;
    this.#buckets.update.reset();
    this.#buckets['mass-update'].reset();
  }

  /** Handles a call: it is refused and nothing is stored, or it is accepted except for its partial errors. */
  handle(endpoint: Endpoint, body: string, { partials = [], refusal }: Interference = {}): Handled {
    const call = readCall(body, endpoint, this.#limits);
    if ('status' in call) return { answer: call, ...NOTHING_READ };
    const size = {
      updates: call.updates.length,
      events: call.updates.reduce((events, update) => events + countEvents(update), 0),
    };
    const answer = refusal ?? this.#takeTokens(endpoint, size.updates);
    if (answer !== undefined) return { answer, ...NOTHING_READ, ...size };
    const errors = this.#accept(call, partials);
    const rejected = listRejectedUpdates(errors, call, REJECTED_KEPT);
    return { answer: { status: 202, errors }, ...size, errors, rejected };
  }

  /** One update costs one token, even if its custom id is in the call twice [inferred, as the stricter reading]. */
  #takeTokens(endpoint: Endpoint, updates: number): Refusal | undefined {
    const bucket = this.#buckets[endpoint];
    if (bucket.take(updates)) return undefined;
    const seconds = Math.max(1, Math.ceil(bucket.secondsUntil(updates)));
    return {
      status: 429,
      code: 'TOO_MANY_REQUESTS',
      message: 'Too many updates: wait a few seconds.',
      ...(this.#limits.retryAfter === 'seconds' && Number.isFinite(seconds) && { retryAfterSeconds: seconds }),
    };
  }

  #accept({ print, updates }: Call, injected: readonly InjectedError[]): readonly PartialError[] {
    const now = this.#now();
    const types = this.#limits.typeChange === 'refuse' ? this.#types : undefined;
    const context = { limits: this.#limits, now, print, types };
    const verdicts = updates.map((update, index) => {
      const ofThis = injected.filter(({ bulk_index }) => bulk_index === index);
      return ofThis.length > 0 ? judgeWithFault(update, index, ofThis, context) : judgeUpdate(update, index, context);
    });
    const receivedAt = new Date(now).toISOString();
    for (const { kept } of verdicts) {
      if (kept !== undefined) this.store.add(kept, receivedAt);
    }
    const errors = verdicts.flatMap((verdict) => verdict.errors);
    errors.push(...injected.filter(({ bulk_index }) => bulk_index >= updates.length).map(toPartialError));
    this.#stats = addCall(this.#stats, { verdicts, errors, hasRepeatedCustomId: hasRepeatedCustomId(updates) });
    return errors;
  }
}

function hasRepeatedCustomId(updates: readonly JsonObject[]): boolean {
  const customIds = updates
    .map(({ identifiers }) => (isJsonObject(identifiers) ? identifiers.custom_id : undefined))
    .filter((customId) => typeof customId === 'string');
  return new Set(customIds).size < customIds.length;
}

function readTokenPast({ fewestLeft, size }: TokenBucket): TokenPast {
  return { capacity: size.capacity, per_second: size.perSecond, fewest_left: fewestLeft };
}

function bucketSizes(limits: Limits): Readonly<Record<Endpoint, BucketSize>> {
  return {
    update: { perSecond: limits.updateRate, capacity: limits.updateBurst },
    'mass-update': { perSecond: limits.massUpdateRate, capacity: limits.massUpdateBurst },
  };
}
