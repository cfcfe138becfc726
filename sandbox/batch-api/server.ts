import type { Buffer } from 'node:buffer';
import { type FastifyInstance, fastify } from 'fastify';
import type { Refusal } from './answers.ts';
import { BadRequest } from './bad-request.ts';
import { Faults } from './faults.ts';
import type { Keys } from './headers.ts';
import type { Limits } from './limits.ts';
import { addPageRoutes } from './page-routes.ts';
import { ProfileRoutes } from './profile-routes.ts';
import { Project } from './project.ts';
import { REJECTED_KEPT, type RejectedEntry, RejectedLog } from './rejected-log.ts';
import { REASONS_KEPT, type RejectionReason } from './rejection-reasons.ts';
import { REQUESTS_KEPT, type RequestEntry, RequestLog } from './request-log.ts';
import { addSandboxRoutes, type Inspectable, type SandboxStats } from './sandbox-routes.ts';
import type { Store } from './store.ts';

export type BatchApiOptions = Keys & {
  /** 0, the default, chooses a free port. */
  readonly port?: number;
  readonly host?: string;
  readonly limits?: Partial<Limits>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Answers every authorised call with success without parsing it, to measure only the client. */
  readonly sink?: boolean;
};

// Larger than `requestBytesMax`, which is checked once the body has arrived. It protects the memory from a broken client.
const BODY_BYTES_MAX = 300 * 1024 * 1024;

/**
 * A server that behaves like Batch's documented Profile API, for one project, and fails on request. Where the
 * documentation is unclear, a limit selects the behaviour.
 */
export class BatchApi implements Inspectable {
  readonly faults = new Faults();
  /** Called with the unchanged body of each authorised call; invalid UTF-8 becomes U+FFFD. */
  onCall: ((path: string, body: string) => void) | undefined;
  readonly #project: Project;
  readonly #log = new RequestLog();
  readonly #rejectedLog = new RejectedLog();
  readonly #closing = new AbortController();
  readonly #app: FastifyInstance;
  #url = '';
  #bytesSunk = 0;

  private constructor({ limits = {}, now = Date.now, projectKey, restApiKey, sink = false }: BatchApiOptions) {
    this.#project = new Project(limits, now);
    const profileRoutes = new ProfileRoutes({
      project: this.#project,
      faults: this.faults,
      log: this.#log,
      rejectedLog: this.#rejectedLog,
      keys: { projectKey, restApiKey },
      now,
      isSink: sink,
      onBody: (path, body) => {
        if (sink) this.#bytesSunk += body.length;
        this.onCall?.(path, body.toString());
      },
      closing: this.#closing.signal,
    });
    this.#app = createApp(profileRoutes);
    profileRoutes.addTo(this.#app);
    addSandboxRoutes(this.#app, this);
    addPageRoutes(this.#app);
  }

  /**
   * Starts a server. It listens when the promise resolves.
   *
   * @throws {BadRequest} for invalid limits.
   */
  static async start(options: BatchApiOptions): Promise<BatchApi> {
    const api = new BatchApi(options);
    api.#url = await api.#app.listen({ port: options.port ?? 0, host: options.host ?? '127.0.0.1' });
    return api;
  }

  /** The address, without a slash at the end. */
  get url(): string {
    return this.#url;
  }

  /** Closes immediately: calls that wait for an answer lose their connection. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#app.close();
  }

  get store(): Store {
    return this.#project.store;
  }

  get limits(): Limits {
    return this.#project.limits;
  }

  get stats(): SandboxStats {
    return {
      requests: this.#log.count,
      profiles: this.store.profiles.size,
      answers: this.#log.answers,
      ...(this.#bytesSunk > 0 && { bytes_sunk: this.#bytesSunk }),
      ...this.#project.stats,
    };
  }

  changeLimits(changes: unknown): void {
    this.#project.changeLimits(changes);
  }

  requests(limit: number = REQUESTS_KEPT): readonly RequestEntry[] {
    return this.#log.last(limit);
  }

  rejected(limit: number = REJECTED_KEPT): readonly RejectedEntry[] {
    return this.#rejectedLog.last(limit);
  }

  rejectionReasons(limit: number = REASONS_KEPT): readonly RejectionReason[] {
    return this.#rejectedLog.reasons(limit);
  }

  bodyOf(seq: number): Buffer | undefined {
    return this.#log.bodyOf(seq);
  }

  get tokenPast(): Project['tokenPast'] {
    return this.#project.tokenPast;
  }

  reset(): void {
    this.#project.reset();
    this.#log.clear();
    this.#rejectedLog.clear();
    this.#bytesSunk = 0;
  }
}

function createApp(profileRoutes: ProfileRoutes): FastifyInstance {
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, forceCloseConnections: true });
  // Bodies stay bytes until their route parses them: Fastify's own parser would round numbers.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.setNotFoundHandler((request, reply) => {
    const error = `There is no ${request.method} ${request.url}.`;
    return request.url.startsWith('/_sandbox/')
      ? reply.code(404).send({ error })
      : profileRoutes.refuse(request, reply, { status: 404, code: 'ROUTE_NOT_FOUND', message: error });
  });
  app.setErrorHandler((error, request, reply) =>
    error instanceof BadRequest
      ? reply.code(400).send({ error: error.message })
      : profileRoutes.refuse(request, reply, toRefusal(error)),
  );
  return app;
}

function toRefusal(error: unknown): Refusal {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return { status: 413, code: 'MALFORMED_PARAMETER', message };
  }
  // Fastify refuses some bodies itself, for example too large ones: that is the client's error.
  return error instanceof Error && 'code' in error && String(error.code).startsWith('FST_ERR_CTP_')
    ? { status: 400, code: 'MALFORMED_PARAMETER', message }
    : { status: 500, code: 'SERVER_ERROR', message: `The sandbox itself failed: ${message}` };
}
