import type { FailureType } from '../protocol/failure.ts';

/** What a failure means and what to do about it, and whose it is to do. */
export type Explanation = { failureType: FailureType; message: string };

export function config(message: string): Explanation {
  return { failureType: 'config_error', message };
}

export function transient(message: string): Explanation {
  return { failureType: 'transient_error', message };
}
