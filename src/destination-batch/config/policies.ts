import { z } from 'zod';
import { strictOptions } from './options.ts';

/** What becomes of what Batch would not take. The first of each is the default. */
export const policyOptions = strictOptions({
  invalid_attribute: z.enum(['drop', 'reject_event']).default('drop').meta({
    title: 'Invalid attribute',
    description:
      'An attribute that breaks a rule of Batch. drop: its event is sent without it, and it is counted and warned of once a column. reject_event: the row is rejected. An empty text is what a String column has for NULL: it is left out either way.',
    order: 0,
  }),
  long_text: z.enum(['drop', 'truncate']).default('drop').meta({
    title: 'Long text',
    description:
      'A text with more characters than Batch takes. drop: it is an invalid attribute. truncate: what is too much is cut off, counted and warned of once a column. A URL is never cut.',
    order: 1,
  }),
  untimely_event: z.enum(['send', 'send_without_time', 'reject']).default('send').meta({
    title: 'Untimely event',
    description:
      "An event that is older than 24 hours (limits.event_age_hours), less five minutes, as it may wait for its turn, or lies in the future, by this machine's clock. send: Batch decides, and what it says is reported. send_without_time: Batch takes the time of reception. reject: the row is rejected.",
    order: 2,
  }),
  capital_letters: z.enum(['lower_case', 'drop']).default('lower_case').meta({
    title: 'Capital letters in names',
    description:
      'The name of an attribute, or of one inside an object, with capital letters, which Batch does not take. lower_case: it is sent in lower case, and warned of once. drop: it is an invalid attribute.',
    order: 3,
  }),
})
  .prefault({})
  .meta({
    title: 'Policies',
    description: 'What becomes of what Batch would not take.',
    order: 8,
  });

export type Policies = z.output<typeof policyOptions>;

export const DEFAULT_POLICIES: Policies = policyOptions.parse({});
