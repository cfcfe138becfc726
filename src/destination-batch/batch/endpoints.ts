/**
 * One of Batch's two endpoints that update profiles and add events to them. The numbers are documented: see
 * docs/batch-api.md, sections 3.4 ("Rates") and 4 ("Update and mass-update").
 */
export type Endpoint = {
  name: 'update' | 'mass_update';
  /** The part of the path after the version. */
  path: string;
  /** The maximum number of updates in one call. Batch refuses a call with more. */
  updatesPerCall: number;
  /** The rate limit of a project, in updates per second. */
  updatesPerSecond: number;
  /** The number of updates that Batch accepts at once after a pause: the capacity of its token bucket. */
  burst: number;
};

/** For small volumes: profiles are updated quickly. */
export const UPDATE: Endpoint = {
  name: 'update',
  path: 'profiles/update',
  updatesPerCall: 200,
  updatesPerSecond: 300,
  burst: 1_000,
};

/** For large volumes: Batch processes these updates later than updates that are sent to `update`. */
export const MASS_UPDATE: Endpoint = {
  name: 'mass_update',
  path: 'profiles/mass-update',
  updatesPerCall: 10_000,
  updatesPerSecond: 10_000,
  // Batch's documentation says "no burst". This is taken to mean that Batch accepts one full call per second.
  burst: 10_000,
};
