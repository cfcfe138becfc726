import type { PartialError } from './answers.ts';
import type { UpdateVerdict } from './update.ts';

/** The result of an accepted call. */
export type AcceptedCall = {
  /** One for each update. */
  readonly verdicts: readonly UpdateVerdict[];
  readonly errors: readonly PartialError[];
  readonly hasRepeatedCustomId: boolean;
};

/** The sandbox's counts of accepted calls, in the form of its stats. */
export type CallStats = {
  readonly calls_accepted: number;
  readonly updates_accepted: number;
  readonly updates_refused: number;
  readonly events_accepted: number;
  readonly events_refused: number;
  /** Attributes of profiles that were set, edited or deleted. */
  readonly profile_attributes_accepted: number;
  readonly attributes_refused: number;
  readonly partial_errors: number;
  /** Updates of the largest accepted call; null before there is one. */
  readonly largest_call: number | null;
  readonly smallest_call: number | null;
  /** Accepted calls in which a custom id occurs twice. */
  readonly calls_repeating_a_custom_id: number;
};

export const NO_CALLS: CallStats = {
  calls_accepted: 0,
  updates_accepted: 0,
  updates_refused: 0,
  events_accepted: 0,
  events_refused: 0,
  profile_attributes_accepted: 0,
  attributes_refused: 0,
  partial_errors: 0,
  largest_call: null,
  smallest_call: null,
  calls_repeating_a_custom_id: 0,
};

export function addCall(stats: CallStats, { errors, hasRepeatedCustomId, verdicts }: AcceptedCall): CallStats {
  const updates = verdicts.length;
  const kept = verdicts.map((verdict) => verdict.kept).filter((update) => update !== undefined);
  return {
    calls_accepted: stats.calls_accepted + 1,
    updates_accepted: stats.updates_accepted + kept.length,
    updates_refused: stats.updates_refused + updates - kept.length,
    events_accepted: stats.events_accepted + sum(kept.map(({ events }) => events.length)),
    events_refused: stats.events_refused + sum(verdicts.map(({ eventsRefused }) => eventsRefused)),
    profile_attributes_accepted:
      stats.profile_attributes_accepted + sum(kept.map(({ attributes }) => Object.keys(attributes).length)),
    attributes_refused: stats.attributes_refused + sum(verdicts.map(({ attributesRefused }) => attributesRefused)),
    partial_errors: stats.partial_errors + errors.length,
    largest_call: Math.max(stats.largest_call ?? updates, updates),
    smallest_call: Math.min(stats.smallest_call ?? updates, updates),
    calls_repeating_a_custom_id: stats.calls_repeating_a_custom_id + (hasRepeatedCustomId ? 1 : 0),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
