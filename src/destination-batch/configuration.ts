import { z } from 'zod';
import { DEFAULT_LIMITS, UPDATES_PER_SECOND } from './limits.ts';
import { onRejectionOption, rejectedRowsOption } from './rejected-options.ts';

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

const limitsSchema = z
  .object({
    events_per_update: limit('events_per_update', 'Events per update', 0),
    event_bytes: limit('event_bytes', 'Bytes per event', 1),
    custom_id_characters: limit('custom_id_characters', 'Characters of a custom_id', 2),
    string_characters: limit('string_characters', 'Characters of a text', 3),
    url_characters: limit('url_characters', 'Characters of a URL', 4),
    array_items: limit('array_items', 'Items of an array', 5),
    attributes_per_object: limit('attributes_per_object', 'Attributes per object', 6),
    object_depth: limit('object_depth', 'Levels of objects', 7),
  })
  .prefault({})
  .meta({
    title: 'Limits of the Batch API',
    description:
      "Limits that Batch's documentation does not state for certain. Change one only if Batch tells you another figure.",
    order: 6,
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
      .url({ protocol: /^https?$/ })
      .refine(isHttpsOrLoopback, 'must begin with https:// (plain http is for a server on this machine only)')
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
    rate_limit: z
      .number()
      .positive()
      .default(UPDATES_PER_SECOND)
      .meta({
        title: 'Updates a second',
        description:
          "The pace, in updated profiles a second. Batch's own limit is the default; set it lower to leave a share to other senders of the same project, higher if Batch granted more.",
        examples: [300, 75],
        order: 4,
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
        order: 5,
      }),
    limits: limitsSchema,
    retry_minutes: z
      .number()
      .positive()
      .default(DEFAULT_RETRY_MINUTES)
      .meta({
        title: 'Retry time',
        description:
          'How long a request is tried again while Batch is out of reach or asks to wait, in minutes. Then the sync fails and can be run again.',
        examples: [30, 120],
        order: 7,
      }),
    on_rejection: onRejectionOption,
    rejected_rows: rejectedRowsOption,
  })
  .meta({ title: 'Batch destination' });

export type DestinationConfiguration = z.output<typeof destinationConfigurationSchema>;

/** A key must not travel in plain text, but to a test server on this machine. */
function isHttpsOrLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
