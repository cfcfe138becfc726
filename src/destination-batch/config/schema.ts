import { z } from 'zod';
import { describeStrayWhiteSpace } from '../../protocol/configuration/configuration.ts';
import { isLoopback } from '../../protocol/network/proxy.ts';
import { ATTRIBUTE_NAME, DEFAULT_LIMITS, isProjectKey } from '../batch/limits.ts';
import { mappingOptions } from './mapping.ts';
import { nameOption, strictOptions } from './options.ts';
import { policyOptions } from './policies.ts';
import { onRejectionOption, rejectedRowsOption } from './rejection.ts';
import { findStreamContradictions, streamsOption } from './streams.ts';

/** The only API server that Batch documents. */
const DEFAULT_API_URL = 'https://api.batch.com';

/** The default API version in Batch's OpenAPI document. Another client of the API is reported to use 2.13. */
const DEFAULT_API_VERSION = '2.11';

/** The default maximum time that a row waits for other rows to join its request, in seconds. */
const DEFAULT_FLUSH_INTERVAL_SECONDS = 2;

/**
 * Matches printable ASCII without spaces. A key is often copied with a line break, which an HTTP header can't contain.
 */
const KEY = /^[\x21-\x7e]+$/;
const KEY_FORM = 'the key, without spaces or line breaks';

/**
 * The default time, in minutes, for which a request is retried while Batch is unreachable, has an internal error or
 * asks the sender to wait.
 */
const DEFAULT_RETRY_MINUTES = 30;

/**
 * Creates the option for a limit. Forms get no default for it: they would store it with each destination, and a default that a
 * later version corrects would not reach these destinations.
 */
const limit = (name: keyof typeof DEFAULT_LIMITS, title: string, description: string, order: number) =>
  z
    .int()
    .min(1)
    .optional()
    .transform((value) => value ?? DEFAULT_LIMITS[name])
    .meta({
      title,
      description: `${description} Defaults to ${DEFAULT_LIMITS[name]}.`,
      examples: [DEFAULT_LIMITS[name]],
      order,
    });

const limitsSchema = strictOptions({
  events_per_update: limit(
    'events_per_update',
    'Events per update',
    'Maximum number of events in one update of a profile.',
    0,
  ),
  event_bytes: limit('event_bytes', 'Bytes per event', 'Maximum size of an event in JSON, in bytes.', 1),
  request_bytes: limit('request_bytes', 'Bytes per request', 'Maximum size of the body of a request, in bytes.', 2),
  custom_id_characters: limit(
    'custom_id_characters',
    'Characters of a custom_id',
    'Maximum length of a profile id, in characters.',
    3,
  ),
  string_characters: limit(
    'string_characters',
    'Characters of a string',
    'Maximum length of a string attribute, in characters.',
    4,
  ),
  url_characters: limit(
    'url_characters',
    'Characters of a URL',
    'Maximum length of a URL attribute, in characters.',
    5,
  ),
  array_items: limit('array_items', 'Items of an array', 'Maximum number of items in an array attribute.', 6),
  attributes_per_object: limit(
    'attributes_per_object',
    'Attributes per object',
    'Maximum number of attributes of an event, and of each object in it.',
    7,
  ),
  object_depth: limit(
    'object_depth',
    'Levels of nested objects',
    'Maximum number of levels of objects in an attribute.',
    8,
  ),
  label_characters: limit(
    'label_characters',
    'Characters of a label',
    'Maximum length of the label of an event, in characters.',
    9,
  ),
  tags_per_event: limit('tags_per_event', 'Tags of an event', 'Maximum number of tags of an event.', 10),
  tag_characters: limit('tag_characters', 'Characters of a tag', 'Maximum length of a tag, in characters.', 11),
  event_age_hours: limit(
    'event_age_hours',
    'Maximum age of an event, in hours',
    'How old an event may be when Batch receives it, in hours.',
    12,
  ),
  attributes_per_update: limit(
    'attributes_per_update',
    'Profile attributes per update',
    'Maximum number of attributes in one update of a profile.',
    13,
  ),
  email_characters: limit(
    'email_characters',
    'Characters of an email address',
    'Maximum length of an email address, in characters.',
    14,
  ),
})
  .prefault({})
  .meta({
    title: 'Limits of the Batch API',
    description:
      "Limits that Batch's documentation does not confirm. Change one only if Batch gives you a different figure.",
    order: 15,
  });

/** The configuration of the destination. `order` is the position of an option in Airbyte's form. */
export const destinationConfigurationSchema = z
  .looseObject({
    project_key: z
      .string()
      .regex(KEY, { error: ({ input }) => describeInvalidKey(input) })
      .meta({
        title: 'Project key',
        description: 'From the Batch dashboard, under Settings → General. It begins with project_.',
        pattern_descriptor: KEY_FORM,
        examples: ['project_0123456789abcdef'],
        order: 0,
      }),
    rest_api_key: z
      .string()
      .regex(KEY, { error: ({ input }) => describeInvalidKey(input) })
      .meta({
        title: 'REST API key',
        description: 'From the Batch dashboard, under Settings → General. Only managers can see it.',
        pattern_descriptor: KEY_FORM,
        airbyte_secret: true,
        order: 1,
      }),
    api_url: z
      .url({ protocol: /^https?$/, abort: true })
      .refine(isHttpsOrLoopback, 'must begin with https:// (http:// is allowed only for a server on this machine)')
      .refine(isOnlyAddress, 'must be only an address, without user, password, query (?…) or fragment (#…)')
      .default(DEFAULT_API_URL)
      .meta({
        title: 'API address',
        description: "The address of Batch's API. Change it only for tests.",
        examples: [DEFAULT_API_URL],
        order: 2,
      }),
    api_version: z
      .string()
      .regex(/^\d+\.\d+$/, 'must be two numbers separated by a dot, such as 2.11')
      .default(DEFAULT_API_VERSION)
      .meta({
        title: 'API version',
        description: 'The version in the path of each request.',
        pattern_descriptor: 'two numbers separated by a dot',
        examples: ['2.11', '2.13'],
        order: 3,
      }),
    endpoint: z.enum(['auto', 'update', 'mass_update']).default('auto').meta({
      title: 'Endpoint',
      description:
        'update: 300 profiles per second; events appear on their profiles quickly. mass_update: 10,000 profiles per second; Batch processes them later. auto: start with update, and switch to mass_update for the rest of the sync if sending the backlog would take more than 20 seconds, or if the queue is full.',
      order: 4,
    }),
    rate_limit: z
      .number()
      .positive()
      .optional()
      .meta({
        title: 'Updates per second',
        description:
          'Maximum number of updated profiles per second. Defaults to the limit of the endpoint. Set a lower value to leave a share for other senders to the same project. To set a higher value, if Batch allows it, also set Endpoint to update or mass_update.',
        examples: [300, 75],
        order: 5,
      }),
    flush_interval_seconds: z
      .number()
      .positive()
      .max(900)
      .default(DEFAULT_FLUSH_INTERVAL_SECONDS)
      .meta({
        title: 'Flush interval',
        description: 'Maximum number of seconds that a row waits for other rows to join its request.',
        examples: [2, 30],
        order: 6,
      }),
    dry_run: z.boolean().default(false).meta({
      title: 'Dry run',
      description:
        'Do everything except send, and report what would be sent. No state is echoed, so the next sync reads the rows again.',
      order: 12,
    }),
    dry_run_file: z
      .string()
      .min(1)
      .optional()
      .meta({
        title: 'Dry run file',
        description: 'The file that a dry run writes its requests to, one per line. Each run overwrites it.',
        examples: ['/tmp/requests.ndjson'],
        order: 13,
      }),
    retry_minutes: z
      .number()
      .positive()
      .default(DEFAULT_RETRY_MINUTES)
      .meta({
        title: 'Retry time',
        description:
          'The number of minutes for which a request is retried while Batch is unreachable or asks the sender to wait. After that, the sync fails and can be run again.',
        examples: [30, 120],
        order: 14,
      }),
    mapping: mappingOptions,
    policies: policyOptions,
    event_id_attribute: nameOption(ATTRIBUTE_NAME)
      .optional()
      .meta({
        title: 'Attribute with a row id',
        description:
          'The name of an attribute to add to each event, with an id computed from the whole row. It helps you recognise events that were sent twice, and counts toward the 20 attributes of an event. If empty, no attribute is added.',
        examples: ['row_id'],
        order: 9,
      }),
    on_rejection: onRejectionOption,
    rejected_rows: rejectedRowsOption,
    limits: limitsSchema,
    streams: streamsOption,
  })
  .superRefine((configuration, context) => {
    for (const { stream, option, error } of findStreamContradictions(configuration)) {
      context.addIssue({ code: 'custom', path: ['streams', stream, 'mapping', option], message: error });
    }
  })
  .superRefine(({ project_key, rest_api_key }, context) => {
    if (isProjectKey(project_key) || !isProjectKey(rest_api_key)) return;
    const message = 'is not a project key, but rest_api_key is one: the two keys are swapped. Exchange them';
    context.addIssue({ code: 'custom', path: ['project_key'], message });
  })
  .meta({ title: 'Batch destination' });

export type DestinationConfiguration = z.output<typeof destinationConfigurationSchema>;

function describeInvalidKey(key: unknown): string {
  const text = String(key);
  if (text === '') return 'must not be empty';
  if (text.includes('…')) return 'is a placeholder from the documentation. Write the whole key instead';
  return describeStrayWhiteSpace(text) ?? 'must be only the key, in ASCII, without spaces or line breaks';
}

function isOnlyAddress(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password, search, hash } = new URL(url);
  return username === '' && password === '' && search === '' && hash === '';
}

/**
 * Checks whether the address uses HTTPS or is on this machine, so that the keys are never sent unencrypted over a
 * network.
 */
function isHttpsOrLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || isLoopback(hostname);
}
