import type { ProcessOwner } from '../../../shared/process-owner.ts';
import { explainChangedState } from '../conflicts.ts';
import type { LockOptions, LockStatus, StateStore } from '../store.ts';
import { createS3Client } from './client.ts';
import { acquireLease, type LeasePlace, readLease, type S3Lease } from './lease.ts';
import type { S3Location } from './location.ts';
import { type Objects, retryBriefly, retryPatiently, S3Objects } from './objects.ts';
import { VersionedObject } from './versioned-object.ts';

/** The timeout for reading or writing a state, which can have some megabytes, in milliseconds. */
const STATE_TIMEOUT_MS = 30_000;

/** The timeout for reading or writing the lease, in milliseconds. Several attempts must fit into the time of a lease. */
const LEASE_TIMEOUT_MS = 5_000;

/**
 * Keeps the state in an object of an S3-compatible store. The records of the runs (`KEY.runs.json`) and the lease that serves as
 * the lock (`KEY.lock`) are next to it. Each write is conditional on the version that this process read or wrote last.
 */
export class S3StateStore implements StateStore {
  readonly location: string;
  readonly #lease: LeasePlace;
  readonly #state: VersionedObject;
  readonly #runs: VersionedObject;
  #held: S3Lease | undefined;

  /** Opens the store. @throws ConnectorError (config_error) if the settings of the machine for AWS tools are incomplete. */
  static async open(location: S3Location): Promise<S3StateStore> {
    const client = await createS3Client(location.url);
    const objects = new S3Objects(client, location, STATE_TIMEOUT_MS);
    return new S3StateStore(location, objects, new S3Objects(client, location, LEASE_TIMEOUT_MS));
  }

  /**
   * @param objects the objects of the bucket, for the state and the records.
   * @param leases the same objects with a shorter timeout, for the lease.
   */
  constructor({ url, key }: Pick<S3Location, 'url' | 'key'>, objects: Objects, leases: Objects) {
    this.location = url;
    this.#lease = { objects: leases, key: `${key}.lock`, url };
    this.#state = new VersionedObject(objects, key);
    this.#runs = new VersionedObject(objects, `${key}.runs.json`);
  }

  /** If this process has locked the state, this also makes sure that it still holds the lock. */
  readState(): Promise<string | undefined> {
    return retryBriefly(async () => {
      await this.#held?.confirm();
      return this.#state.read();
    });
  }

  async writeState(text: string): Promise<void> {
    await retryPatiently(async () => {
      await this.#held?.confirm();
      if ((await this.#state.write(text)) === 'changed') throw explainChangedState(this.location);
    });
  }

  readRuns(): Promise<string | undefined> {
    return retryBriefly(() => this.#runs.read());
  }

  /**
   * Replaces the records, even if this process has not read their newest version. The records matter less than the state, so a
   * failed write is repeated only briefly.
   */
  async writeRuns(text: string): Promise<void> {
    await retryBriefly(async () => {
      await this.#held?.confirm();
      if ((await this.#runs.write(text)) === 'written') return;
      await this.#runs.read();
      if ((await this.#runs.write(text)) === 'changed') throw explainChangedState(`${this.location}.runs.json`);
    });
  }

  async lock(self: ProcessOwner, options: LockOptions): Promise<(() => Promise<void>) | undefined> {
    const lease = await acquireLease(this.#lease, self, options);
    if (lease === undefined) return undefined;
    try {
      await lease.checkConditions(options.stop);
    } catch (error) {
      await lease.release();
      throw error;
    }
    this.#held = lease;
    return () => lease.release();
  }

  readLock(): Promise<LockStatus> {
    return readLease(this.#lease);
  }
}
