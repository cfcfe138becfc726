import { z } from 'zod';
import { isLoopback } from '../../protocol/network/proxy.ts';
import { ATTRIBUTE_NAME, DEFAULT_LIMITS } from '../batch/limits.ts';
import { mappingOptions } from './mapping.ts';
import { nameOption, strictOptions } from './options.ts';
import { policyOptions } from './policies.ts';
import { onRejectionOption, rejectedRowsOption } from './rejection.ts';

/** Batch's only documented API server. */
const DEFAULT_API_URL = 'https://api.batch.com';

/** The default version of the server in Batch's own OpenAPI text. 2.13 has been reported since. */
const DEFAULT_API_VERSION = '2.11';

/** How long a row waits for others to fill its request, in seconds. */
const DEFAULT_FLUSH_INTERVAL_SECONDS = 2;

/** What an HTTP header can hold; a line end is a copy gone wrong. */
const KEY = /^[\x21-\x7e]+$/;
const KEY_MESSAGE = 'must be the key alone, in plain letters, without spaces or line ends';

/** How long a request is tried again while Batch can't be reached or is under maintenance, in minutes. */
const DEFAULT_RETRY_MINUTES = 30;

const limit = (name: keyof typeof DEFAULT_LIMITS, title: string, order: number) =>
  z.int().min(1).default(DEFAULT_LIMITS[name]).meta({ title, order });

const limitsSchema = strictOptions({
  events_per_update: limit('events_per_update', 'Events per update', 0),
  event_bytes: limit('event_bytes', 'Bytes per event', 1),
  request_bytes: limit('request_bytes', 'Bytes per request', 2),
  custom_id_characters: limit('custom_id_characters', 'Characters of a custom_id', 3),
  string_characters: limit('string_characters', 'Characters of a text', 4),
  url_characters: limit('url_characters', 'Characters of a URL', 5),
  array_items: limit('array_items', 'Items of an array', 6),
  attributes_per_object: limit('attributes_per_object', 'Attributes per object', 7),
  object_depth: limit('object_depth', 'Levels of objects', 8),
  label_characters: limit('label_characters', 'Characters of a label', 9),
  tags_per_event: limit('tags_per_event', 'Tags of an event', 10),
  tag_characters: limit('tag_characters', 'Characters of a tag', 11),
  event_age_hours: limit('event_age_hours', 'Hours that an event may be old', 12),
})
  .prefault({})
  .meta({
    title: 'Limits of the Batch API',
    description:
      "Limits that Batch's documentation does not state for certain. Change one only if Batch tells you another figure.",
    order: 15,
  });

/** What a user of the destination writes. The order of the keys is the order of the form. */
export const destinationConfigurationSchema = z
  .looseObject({
    project_key: z
      .string()
      .regex(KEY, KEY_MESSAGE)
      .meta({
        title: 'Project key',
        description: 'In the Batch dashboard under Settings → General. It begins with project_.',
        examples: ['project_0123456789abcdef'],
        order: 0,
      }),
    rest_api_key: z.string().regex(KEY, KEY_MESSAGE).meta({
      title: 'REST API key',
      description: 'In the Batch dashboard under Settings → General; shown to managers only.',
      airbyte_secret: true,
      order: 1,
    }),
    api_url: z
      .url({ protocol: /^https?$/, abort: true })
      .refine(isHttpsOrLoopback, 'must begin with https:// (plain http is for a server on this machine only)')
      .refine(isAddressAlone, 'must be an address alone, without user, password, query (?…) or fragment (#…)')
      .default(DEFAULT_API_URL)
      .meta({
        title: 'API address',
        description: "Batch's API. Another address is for tests.",
        examples: [DEFAULT_API_URL],
        order: 2,
      }),
    api_version: z
      .string()
      .regex(/^\d+\.\d+$/, 'must be two numbers with a point, such as 2.11')
      .default(DEFAULT_API_VERSION)
      .meta({
        title: 'API version',
        description: 'The version in the path of each call.',
        examples: ['2.11', '2.13'],
        order: 3,
      }),
    endpoint: z.enum(['auto', 'update', 'mass_update']).default('auto').meta({
      title: 'Endpoint',
      description:
        'auto: update (300 profiles a second, on the profile soon) until a backlog of more than 20 seconds waits, then mass_update (10,000 a second, worked off later) to the end of the sync.',
      order: 4,
    }),
    rate_limit: z
      .number()
      .positive()
      .optional()
      .meta({
        title: 'Updates a second',
        description:
          "The pace, in updated profiles a second. The endpoint's own limit is the default; set it lower to leave a share to other senders of the same project, or name an endpoint and set it higher if Batch granted more.",
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
        description: 'How long a row waits at most for others to fill its request, in seconds.',
        examples: [2, 30],
        order: 6,
      }),
    dry_run: z.boolean().default(false).meta({
      title: 'Dry run',
      description:
        'Does everything but the sending, and counts what would be sent. No state is echoed, so that the rows come again.',
      order: 12,
    }),
    dry_run_file: z
      .string()
      .min(1)
      .optional()
      .meta({
        title: 'File of the dry run',
        description: 'Where a dry run writes the requests that it would send, one a line. It is made anew each time.',
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
          'How long a request is tried again while Batch is out of reach or asks to wait, in minutes. Then the sync fails and can be run again.',
        examples: [30, 120],
        order: 14,
      }),
    mapping: mappingOptions,
    policies: policyOptions,
    event_id_attribute: nameOption(ATTRIBUTE_NAME)
      .optional()
      .meta({
        title: 'Attribute for an id of the row',
        description:
          'The name of an attribute that is added to each event, with an id made of all that is in its row: one that is sent twice can be told by it. It counts among the 20 attributes of an event. Left empty: none is added.',
        examples: ['row_id'],
        order: 9,
      }),
    on_rejection: onRejectionOption,
    rejected_rows: rejectedRowsOption,
    limits: limitsSchema,
  })
  .meta({ title: 'Batch destination' });

export type DestinationConfiguration = z.output<typeof destinationConfigurationSchema>;

function isAddressAlone(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password, search, hash } = new URL(url);
  return username === '' && password === '' && search === '' && hash === '';
}

/** A key must not travel in plain text, but to a test server on this machine. */
function isHttpsOrLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || isLoopback(hostname);
}
