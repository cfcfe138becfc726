import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { asConnectorError, type ConnectorError } from '../../../protocol/errors.ts';
import { syncError } from '../../../runner/errors.ts';
import { waitByTimer } from '../../../shared/abort.ts';
import { serial } from '../../../shared/async.ts';
import { tryParseJson } from '../../../shared/exact-json.ts';
import { type ProcessOwner, processOwnerSchema } from '../../../shared/process-owner.ts';
import { describeHolder, explainLocked, explainLostLock } from '../conflicts.ts';
import type { LockOptions, LockStatus } from '../store.ts';
import { explainMissingConditions } from './client.ts';
import { type Objects, retryBriefly, type StoredObject, type WriteCondition, type WriteResult } from './objects.ts';

/**
 * A process that waits may take over a lease that did not change for this time, in milliseconds, by its own clock. The clocks of
 * two machines are never compared.
 */
const LEASE_MS = 60_000;

/** The interval at which a waiting process reads the lease, in milliseconds. */
const POLL_INTERVAL_MS = 1_000;

/** After this many intervals without a change, the waiting process may take the lease over. */
const POLLS_UNTIL_EXPIRED = LEASE_MS / POLL_INTERVAL_MS;

/** The holder renews a lease that it wrote this long ago, in milliseconds. */
const RENEW_MS = 10_000;

/**
 * The holder stops a run if it wrote the lease this long ago, in milliseconds. The rest of the lease is for ending the connectors,
 * and for their last requests to reach Batch.
 */
const UNCERTAIN_MS = 45_000;

/**
 * The interval at which the holder checks how old its lease is, in milliseconds. A failed renewal is repeated after this
 * interval.
 */
const CHECK_INTERVAL_MS = 1_000;

/** An ETag that no object has. */
const OTHER_ETAG = '"00000000000000000000000000000000"';

const leaseSchema = processOwnerSchema.extend({
  /** Identifies the holder. */
  token: z.string(),
  /** Different in each write, so that each write has a different ETag. */
  renewal: z.string(),
  released: z.boolean(),
});

/** Where a lease is. */
export type LeasePlace = {
  objects: Objects;
  key: string;
  /** The location of the state, for messages. */
  url: string;
};

/**
 * Acquires the lease on a state. If another process renews the lease, this fails. If the lease is no longer renewed, because its
 * holder has died, this process takes it over.
 *
 * @param self this process.
 * @returns undefined if `stop` was aborted before this process had the lease.
 * @throws ConnectorError if another process holds the lease (transient_error), or if the store is unusable, for example because it
 *   ignores the conditions of writes.
 */
export async function acquireLease(
  place: LeasePlace,
  self: ProcessOwner,
  options: LockOptions,
): Promise<S3Lease | undefined> {
  const { objects, key, url } = place;
  const { stop, wait = waitByTimer, onWaiting } = options;
  const read = (): Promise<StoredObject | undefined> => retryBriefly(() => objects.read(key), stop);
  const token = randomUUID();

  let found = await read();
  for (let polls = 0; isHeld(found) && polls < POLLS_UNTIL_EXPIRED; polls += 1) {
    if (polls === 0) onWaiting(describeHolder(parseLease(found)), LEASE_MS);
    await wait(POLL_INTERVAL_MS, stop);
    if (stop.aborted) return undefined;
    const before = found;
    found = await read();
    if (isHeld(found) && found.etag !== before.etag) throw explainLocked(url, parseLease(found));
  }

  const writtenAt = readClocks();
  const text = formatLease(self, token, false);
  const condition: WriteCondition = found === undefined ? { kind: 'absent' } : { kind: 'unchanged', etag: found.etag };
  const result = await retryBriefly(() => objects.write(key, text, condition), stop);
  if (result.kind === 'written') return new S3Lease(place, self, token, { etag: result.etag, writtenAt }, options);
  // The write may have been refused because an earlier attempt had succeeded, although its response was lost.
  const present = await read();
  if (present === undefined || present.text !== text) throw explainLocked(url, parseLease(present));
  return new S3Lease(place, self, token, { etag: present.etag, writtenAt }, options);
}

/**
 * Returns who holds the lease. This is only for people, because whether a lease has expired depends here on the clocks of the
 * store. A waiting process decides by its own clock.
 */
export async function readLease({ objects, key }: LeasePlace): Promise<LockStatus> {
  const found = await retryBriefly(() => objects.read(key));
  if (!isHeld(found) || (found.ageMs ?? 0) > LEASE_MS) return { kind: 'unlocked' };
  return { kind: 'locked', owner: processOwnerSchema.safeParse(parseLease(found)).data };
}

/** A version of the lease that this process wrote. */
type Version = { etag: string; writtenAt: Clocks };

/** A lease that this process holds. It is renewed until it is released or lost. */
export class S3Lease {
  readonly #place: LeasePlace;
  readonly #self: ProcessOwner;
  readonly #token: string;
  readonly #options: Pick<LockOptions, 'onLost' | 'onUncertain'>;
  readonly #inTurn = serial();
  readonly #timer: NodeJS.Timeout;
  #version: Version;
  #isRenewing = false;
  #lost: ConnectorError | undefined;

  constructor(
    place: LeasePlace,
    self: ProcessOwner,
    token: string,
    version: Version,
    options: Pick<LockOptions, 'onLost' | 'onUncertain'>,
  ) {
    this.#place = place;
    this.#self = self;
    this.#token = token;
    this.#version = version;
    this.#options = options;
    this.#timer = setInterval(() => this.#check(), CHECK_INTERVAL_MS).unref();
  }

  /**
   * Checks that the store refuses writes whose condition is not met. Otherwise the lease would protect nothing.
   *
   * @throws ConnectorError (config_error) if the store accepts such a write.
   */
  async checkConditions(stop: AbortSignal): Promise<void> {
    const { objects, key, url } = this.#place;
    const conditions: WriteCondition[] = [{ kind: 'absent' }, { kind: 'unchanged', etag: OTHER_ETAG }];
    for (const condition of conditions) {
      const text = formatLease(this.#self, this.#token, false);
      const result = await retryBriefly(() => objects.write(key, text, condition), stop);
      if (result.kind === 'refused') continue;
      this.#version = { ...this.#version, etag: result.etag };
      throw explainMissingConditions(url);
    }
  }

  /**
   * Makes sure that this process holds the lease.
   *
   * @throws ConnectorError if it has lost the lease, or can't find out whether it has (transient_error).
   */
  async confirm(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#lost !== undefined) throw this.#lost;
      if (this.#age() >= UNCERTAIN_MS) await this.#renew();
    });
  }

  /** Releases the lease. If that fails, the lease expires. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#inTurn(async () => {
      if (this.#lost === undefined) await this.#write(true);
    }).catch(() => {});
  }

  /**
   * Renews the lease in time. An old lease is uncertain only if a renewal fails or takes too long. Its age alone is not enough,
   * because the process may only have been suspended.
   */
  #check(): void {
    const age = this.#age();
    if (this.#isRenewing) {
      if (age >= UNCERTAIN_MS) this.#options.onUncertain(explainUncertainLease(this.#place.url, undefined));
      return;
    }
    if (age < RENEW_MS) return;
    this.#isRenewing = true;
    void this.#inTurn(() => this.#renew())
      .catch((error: unknown) => {
        if (this.#lost !== undefined || this.#age() < UNCERTAIN_MS) return;
        this.#options.onUncertain(explainUncertainLease(this.#place.url, asConnectorError(error)));
      })
      .finally(() => {
        this.#isRenewing = false;
      });
  }

  async #renew(): Promise<void> {
    const writtenAt = readClocks();
    const result = await this.#write(false);
    if (result.kind === 'written') {
      this.#version = { etag: result.etag, writtenAt };
      return;
    }
    const { objects, key, url } = this.#place;
    const found = await objects.read(key);
    if (found === undefined || parseLease(found)?.token !== this.#token) {
      clearInterval(this.#timer);
      this.#lost = explainLostLock(url);
      this.#options.onLost(this.#lost);
      throw this.#lost;
    }
    // An earlier renewal has reached the store, although its response was lost. It is not known when that was, so the lease is
    // renewed again.
    this.#version = { ...this.#version, etag: found.etag };
    await this.#renew();
  }

  #write(released: boolean): Promise<WriteResult> {
    const { objects, key } = this.#place;
    const condition: WriteCondition = { kind: 'unchanged', etag: this.#version.etag };
    return objects.write(key, formatLease(this.#self, this.#token, released), condition);
  }

  /**
   * How long ago the lease was written, in milliseconds. One clock stops while the machine is suspended, and the other one can be
   * set, so the larger value counts.
   */
  #age(): number {
    const now = readClocks();
    const { writtenAt } = this.#version;
    return Math.max(now.steady - writtenAt.steady, now.wall - writtenAt.wall);
  }
}

/** A time in milliseconds, by a clock that is never set, and by the clock of the machine. */
type Clocks = { steady: number; wall: number };

function readClocks(): Clocks {
  return { steady: performance.now(), wall: Date.now() };
}

function formatLease(self: ProcessOwner, token: string, released: boolean): string {
  return JSON.stringify({ ...self, token, renewal: randomUUID(), released });
}

/**
 * Whether a process holds the lease, according to its content. If the content isn't a lease, the lease counts as held by an
 * unknown process.
 */
function isHeld(found: StoredObject | undefined): found is StoredObject {
  return found !== undefined && parseLease(found)?.released !== true;
}

function parseLease(found: StoredObject | undefined): z.output<typeof leaseSchema> | undefined {
  return found === undefined ? undefined : leaseSchema.safeParse(tryParseJson(found.text)).data;
}

function explainUncertainLease(url: string, cause: ConnectorError | undefined): ConnectorError {
  return syncError(
    'state_store_unreachable',
    `This run could not renew its lock on the state ${url} for ${UNCERTAIN_MS / 1_000} s, so another run may acquire it. The run was stopped, so that no row is sent by two runs.${cause === undefined ? '' : ` ${cause.message}`}`,
    { cause },
  );
}
