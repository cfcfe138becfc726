import ms from 'ms';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS, EVENT_AGE_MARGIN_MS } from '../destination-batch/batch/limits.ts';
import { OLDEST_ACCEPTED, PROPOSED_START } from '../source-clickhouse/check/first-run.ts';

test("the proposed start leaves time to send the rows before they are older than the destination's limit", () => {
  const limit = DEFAULT_LIMITS.event_age_hours * 3_600_000;
  expect(ms(OLDEST_ACCEPTED)).toBe(limit);
  expect(ms(PROPOSED_START)).toBeLessThan(limit - EVENT_AGE_MARGIN_MS);
});
