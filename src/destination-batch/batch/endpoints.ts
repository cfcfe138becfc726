/**
 * One of the two calls by which Batch accepts updates of profiles, with their events. The figures are documented:
 * docs/batch-api.md, 3.4 Rates and 4 Update and mass-update.
 */
export type Endpoint = {
  name: 'update' | 'mass_update';
  /** The path after the version. */
  path: string;
  /** Updates in one call; Batch refuses a call with more. */
  updatesPerCall: number;
  /** Updates a second, per project. */
  updatesPerSecond: number;
  /** Updates that Batch accepts at once after a pause: the capacity of its token bucket. */
  burst: number;
};

/** For small volumes: updates reach the profile soon. */
export const UPDATE: Endpoint = {
  name: 'update',
  path: 'profiles/update',
  updatesPerCall: 200,
  updatesPerSecond: 300,
  burst: 1_000,
};

/** For large volumes: Batch processes them later than those of `update`. */
export const MASS_UPDATE: Endpoint = {
  name: 'mass_update',
  path: 'profiles/mass-update',
  updatesPerCall: 10_000,
  updatesPerSecond: 10_000,
  // "No burst": read as one full call a second.
  burst: 10_000,
};
