import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BadRequest, readBy } from './bad-request.ts';
import { type Faults, readFaults } from './faults.ts';
import { printJson } from './json.ts';
import { type Limits, limitsAsJson } from './limits.ts';
import type { Project, ProjectStats } from './project.ts';
import { REJECTED_KEPT, type RejectedEntry } from './rejected-log.ts';
import { REASONS_KEPT, type RejectionReason } from './rejection-reasons.ts';
import { REQUESTS_KEPT, type RequestEntry } from './request-log.ts';
import type { Store, StoredEvent } from './store.ts';

export type SandboxStats = ProjectStats & {
  readonly requests: number;
  /** Profiles that have been created. */
  readonly profiles: number;
  /** How many requests got each status; `none` counts those without an answer. */
  readonly answers: Readonly<Record<string, number>>;
  /** Bytes of the bodies that a sink received. */
  readonly bytes_sunk?: number;
};

/** What can be read and changed through the sandbox's routes. */
export type Inspectable = {
  readonly store: Store;
  readonly faults: Faults;
  readonly limits: Limits;
  readonly stats: SandboxStats;
  changeLimits(changes: unknown): void;
  /** The last requests, oldest first. */
  requests(limit: number): readonly RequestEntry[];
  /** The last partial errors with their updates, oldest first. */
  rejected(limit: number): readonly RejectedEntry[];
  /** The most frequent reasons of partial errors, with the highest count first. */
  rejectionReasons(limit: number): readonly RejectionReason[];
  /** The body of a request; undefined if it is no longer kept. */
  bodyOf(seq: number): Buffer | undefined;
  readonly tokenPast: Project['tokenPast'];
  /** Deletes events, profiles, requests and stats, and fills the buckets. */
  reset(): void;
};

const count = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);

/** How many profiles an answer contains by default. */
const PROFILES_SHOWN = 100;

const eventsQuery = z
  .strictObject({
    custom_id: z.string().optional(),
    name: z.string().optional(),
    offset: count.optional(),
    limit: count.optional(),
    /** Only the last events, in order of arrival. */
    last: count.optional(),
  })
  .refine(({ last, limit, offset }) => {
    return last === undefined || (limit === undefined && offset === undefined);
  }, 'last goes with neither offset nor limit');
const profilesQuery = z.strictObject({
  custom_id: z.string().optional(),
  search: z.string().optional(),
  offset: count.optional(),
  limit: count.default(PROFILES_SHOWN),
});
const requestsQuery = z.strictObject({ limit: count.default(REQUESTS_KEPT) });
const rejectedQuery = z.strictObject({ limit: count.default(REJECTED_KEPT) });
const reasonsQuery = z.strictObject({ limit: count.default(REASONS_KEPT) });
const requestNumber = z.strictObject({ seq: count });
const noQuery = z.strictObject({});

// An unknown filter must be refused: `DELETE /_sandbox/events?custom_id=a` would delete everything.
const withoutQuery = {
  preValidation: async (request: FastifyRequest) => {
    readBy(noQuery, request.query);
  },
};

/**
 * Adds routes that Batch does not have, for the page and for tests in other processes. They need no key.
 */
export function addSandboxRoutes(app: FastifyInstance, api: Inspectable): void {
  app.get('/_sandbox/stats', withoutQuery, () => api.stats);

  app.get('/_sandbox/requests', (request) => api.requests(readBy(requestsQuery, request.query).limit));

  app.get('/_sandbox/requests/:seq/body', withoutQuery, (request, reply) => {
    const body = api.bodyOf(readBy(requestNumber, request.params).seq);
    if (body === undefined) return reply.code(404).send({ error: 'The body of this request is no longer kept.' });
    // The body may be anything, and a browser must not treat it as a page.
    return reply.type('application/json; charset=utf-8').header('x-content-type-options', 'nosniff').send(body);
  });

  app.get('/_sandbox/event-names', withoutQuery, () => api.store.eventCounts);

  app.get('/_sandbox/rejection-reasons', (request) => api.rejectionReasons(readBy(reasonsQuery, request.query).limit));

  app.get('/_sandbox/rejected', (request) => api.rejected(readBy(rejectedQuery, request.query).limit));

  app.get('/_sandbox/tokens', withoutQuery, () => api.tokenPast);

  app.get('/_sandbox/profiles', (request, reply) => {
    const { custom_id: customId, ...selection } = readBy(profilesQuery, request.query);
    const { matching, profiles } = api.store.profilePage({ customId, ...selection });
    // Not by Fastify, which would write a long number as an object.
    const body = printJson({
      profiles_in_all: api.store.profiles.size,
      matching,
      profiles: profiles.map((profile) => ({ ...profile, attributes: Object.fromEntries(profile.attributes) })),
    });
    return reply.type('application/json; charset=utf-8').send(body);
  });

  app.get('/_sandbox/events', (request, reply) => {
    const { custom_id: customId, last, name, ...part } = readBy(eventsQuery, request.query);
    const events =
      last === undefined
        ? api.store.events({ customId, name, ...part })
        : api.store.lastEvents(last, { customId, name });
    reply.type('application/x-ndjson');
    return Readable.from(asNdjson(events), { objectMode: false });
  });
  app.delete('/_sandbox/events', withoutQuery, (_request, reply) => {
    api.reset();
    reply.code(204).send();
  });

  app.get('/_sandbox/limits', withoutQuery, () => limitsAsJson(api.limits));
  app.put('/_sandbox/limits', withoutQuery, (request) => {
    api.changeLimits(parseBody(request.body));
    return limitsAsJson(api.limits);
  });

  app.get('/_sandbox/faults', withoutQuery, () => api.faults.list());
  app.post('/_sandbox/faults', withoutQuery, (request, reply) => {
    api.faults.add(readFaults(parseBody(request.body)));
    reply.code(201);
    return api.faults.list();
  });
  app.delete('/_sandbox/faults', withoutQuery, (_request, reply) => {
    api.faults.clear();
    reply.code(204).send();
  });
}

function parseBody(body: unknown): unknown {
  try {
    return JSON.parse(Buffer.isBuffer(body) ? body.toString() : '');
  } catch {
    throw new BadRequest('The body is not JSON.');
  }
}

const LINES_IN_A_CHUNK = 1_000;

function* asNdjson(events: Iterable<StoredEvent>): Generator<string> {
  let lines: string[] = [];
  for (const { custom_id, json, received_at, seq } of events) {
    const envelope = JSON.stringify({ custom_id, seq, received_at });
    // The event is inserted as a string: parsing it would lose digits.
    lines.push(`${envelope.slice(0, -1)},"event":${json}}\n`);
    if (lines.length === LINES_IN_A_CHUNK) {
      yield lines.join('');
      lines = [];
    }
  }
  if (lines.length > 0) yield lines.join('');
}
