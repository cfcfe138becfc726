import { z } from 'zod';
import { strictOptions } from './options.ts';

/** The choices of each policy, without a default: the policies of one stream are those of all streams unless they are set. */
const choices = {
  invalid_attribute: z.enum(['drop', 'reject_event']).meta({
    title: 'Invalid attribute',
    description:
      'For attributes that break a rule of Batch. drop: send the event without the attribute, with one warning per column. reject_event: reject the row. In events, empty strings and strings of white space are always left out, because String columns often contain them instead of NULL.',
    order: 0,
  }),
  long_text: z.enum(['drop', 'truncate']).meta({
    title: 'Long string',
    description:
      'For strings with more characters than Batch accepts. drop: treat the attribute as invalid. truncate: cut the string to the limit, with one warning per column. URLs are never truncated.',
    order: 1,
  }),
  untimely_event: z.enum(['send', 'send_without_time', 'reject']).meta({
    title: 'Untimely event',
    description:
      "For events that are in the future or too old, according to this machine's clock. Too old means older than limits.event_age_hours (24 hours) minus five minutes and the flush interval (2 seconds), because the event may wait in the queue before it is sent. send: Batch decides, and its response is reported. send_without_time: Batch uses the time at which it receives the event. reject: reject the row.",
    order: 2,
  }),
  capital_letters: z.enum(['lower_case', 'drop']).meta({
    title: 'Capital letters in names',
    description:
      'For attribute names with capital letters, including names inside objects. Batch does not accept them. lower_case: send the name in lower case, with one warning per column. drop: treat the attribute as invalid.',
    order: 3,
  }),
  null_attribute: z.enum(['keep', 'delete']).meta({
    title: 'NULL in profile attributes',
    description:
      'For rows of profile attributes: what NULL, an empty or blank string, or an empty array does to an attribute. keep: the profile keeps the value that it has. delete: the attribute is deleted from the profile.',
    order: 4,
  }),
};

/** What to do with values that Batch would not accept. The first choice of each policy is the default. */
export const policyOptions = strictOptions({
  invalid_attribute: choices.invalid_attribute.default('drop'),
  long_text: choices.long_text.default('drop'),
  untimely_event: choices.untimely_event.default('send'),
  capital_letters: choices.capital_letters.default('lower_case'),
  null_attribute: choices.null_attribute.default('keep'),
})
  .prefault({})
  .meta({
    title: 'Policies',
    description: 'What to do with values that Batch would not accept.',
    order: 8,
  });

export type Policies = z.output<typeof policyOptions>;

export const DEFAULT_POLICIES: Policies = policyOptions.parse({});

/** The policies that one stream sets in place of the general ones. */
export const streamPolicies = strictOptions({
  invalid_attribute: choices.invalid_attribute.exactOptional(),
  long_text: choices.long_text.exactOptional(),
  untimely_event: choices.untimely_event.exactOptional(),
  capital_letters: choices.capital_letters.exactOptional(),
  null_attribute: choices.null_attribute.exactOptional(),
});
