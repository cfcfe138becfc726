import { Buffer, isUtf8 } from 'node:buffer';
import { setTimeout } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorBodyForStatus, type Refusal, toBody } from './answers.ts';
import type { Endpoint } from './call.ts';
import { type ArrivalFault, errorsOf, type Fault, type Faults, isPartial } from './faults.ts';
import { checkHeaders, type Keys } from './headers.ts';
import type { Limits } from './limits.ts';
import { type Handled, NOTHING_READ, type Project } from './project.ts';
import type { RejectedLog } from './rejected-log.ts';
import type { RequestEntry, RequestLog } from './request-log.ts';

export type ProfileRoutesParts = {
  readonly project: Project;
  readonly faults: Faults;
  readonly log: RequestLog;
  readonly rejectedLog: RejectedLog;
  readonly keys: Keys;
  readonly now: () => number;
  readonly onBody: (path: string, body: Buffer) => void;
  /** Whether bodies are not parsed and all calls succeed. */
  readonly isSink: boolean;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
};

/** The type as Fastify writes it. */
const JSON_TYPE = 'application/json; charset=utf-8';

const GARBAGE = '<html><body>This is not the page you expect.</body></html>';

type FaultKind = Fault['kind'];
/** The contents of a call, without the answer. */
type Brought = Omit<Handled, 'answer'>;

/** The documented routes over HTTP, with the faults for their calls. */
export class ProfileRoutes {
  readonly #parts: ProfileRoutesParts;

  constructor(parts: ProfileRoutesParts) {
    this.#parts = parts;
  }

  addTo(app: FastifyInstance): void {
    for (const endpoint of ['update', 'mass-update'] as const) {
      app.post(`/:version(^2\\.\\d+$)/profiles/${endpoint}`, (request, reply) =>
        this.#handle(endpoint, request, reply),
      );
    }
  }

  /** Refuses a request that is not a call. */
  refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
    return this.#answer(request, reply, { answer: refusal, ...NOTHING_READ }, null);
  }

  async #handle(endpoint: Endpoint, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { closing, faults, keys, project } = this.#parts;
    const unfit = checkHeaders(request.headers, keys, project.limits) ?? checkBodySize(request.body, project.limits);
    if (unfit !== undefined) return this.refuse(request, reply, unfit);
    if (Buffer.isBuffer(request.body)) this.#parts.onBody(request.url, request.body);

    const early = faults.takeOnArrival();
    if (early?.kind === 'delay') {
      // The pause rejects when the server closes: nothing more is stored then.
      await setTimeout(early.milliseconds, undefined, { signal: closing }).catch(() => undefined);
      if (closing.aborted) return this.#cut(request, reply, NOTHING_READ, early.kind);
    } else if (early !== undefined) {
      return this.#spoil(request, reply, NOTHING_READ, early);
    }

    if (this.#parts.isSink) return this.#answer(request, reply, swallowed, early?.kind ?? null);
    const body = decodeBody(request.body);
    const late = early === undefined ? faults.onAnswer : undefined;
    const refusing = faults.refusing(body);
    const refusal = refusing === undefined ? undefined : { ...refusalByFault, status: refusing.status };
    const partials = late !== undefined && isPartial(late) ? errorsOf(late) : [];
    const handled = project.handle(endpoint, body, { refusal, partials });
    if (handled.answer === refusal) return this.#answer(request, reply, handled, 'refuse_when');
    if (handled.answer.status !== 202 || late === undefined) {
      return this.#answer(request, reply, handled, early?.kind ?? null);
    }
    faults.spendNext();
    return isPartial(late)
      ? this.#answer(request, reply, handled, late.kind)
      : this.#spoil(request, reply, handled, late);
  }

  #answer(request: FastifyRequest, reply: FastifyReply, handled: Handled, fault: FaultKind | null): FastifyReply {
    const { answer } = handled;
    const errors = answer.status === 202 ? answer.errors.length : 0;
    const body = JSON.stringify(toBody(answer));
    this.#record(request, handled, { status: answer.status, errors, fault, answer: body });
    if (answer.status === 429 && answer.retryAfterSeconds !== undefined) {
      reply.header('retry-after', answer.retryAfterSeconds);
    }
    return reply.code(answer.status).type(JSON_TYPE).send(body);
  }

  /** Fails the call as the fault says, instead of the documented answer. */
  #spoil(
    request: FastifyRequest,
    reply: FastifyReply,
    brought: Brought,
    fault: Exclude<ArrivalFault, { kind: 'delay' }>,
  ): FastifyReply {
    switch (fault.kind) {
      case 'status': {
        const answer = fault.body ?? errorBodyForStatus(fault.status);
        this.#record(request, brought, {
          status: fault.status,
          errors: 0,
          fault: fault.kind,
          answer: typeof answer === 'string' ? answer : JSON.stringify(answer),
        });
        if (fault.location !== undefined) reply.header('location', fault.location);
        if (fault.retry_after_seconds !== undefined) reply.header('retry-after', fault.retry_after_seconds);
        return reply.code(fault.status).send(answer);
      }
      case 'garbage': {
        this.#record(request, brought, { status: 202, errors: 0, fault: fault.kind, answer: GARBAGE });
        return reply.code(202).type('text/html').send(GARBAGE);
      }
      case 'hang': {
        this.#record(request, brought, { ...noAnswer, fault: fault.kind });
        if (fault.milliseconds !== undefined) this.#cutLater(request, fault.milliseconds);
        return reply.hijack();
      }
      case 'cut':
        return this.#cut(request, reply, brought, fault.kind);
    }
  }

  #cut(request: FastifyRequest, reply: FastifyReply, brought: Brought, fault: FaultKind): FastifyReply {
    this.#record(request, brought, { ...noAnswer, fault });
    reply.hijack();
    request.raw.socket.destroy();
    return reply;
  }

  #cutLater(request: FastifyRequest, milliseconds: number): void {
    setTimeout(milliseconds, undefined, { signal: this.#parts.closing })
      .then(() => request.raw.socket.destroy())
      // The server closes, and all its connections.
      .catch(() => undefined);
  }

  #record(
    request: FastifyRequest,
    { errors, events, rejected, updates }: Brought,
    outcome: Pick<RequestEntry, 'status' | 'errors' | 'fault' | 'answer'>,
  ): void {
    const time = new Date(this.#parts.now()).toISOString();
    const body = Buffer.isBuffer(request.body) ? request.body : undefined;
    const bytes = body?.length ?? 0;
    const entry = { time, path: request.url, bytes, updates, events, ...outcome };
    // A sink is for measurements: keeping bodies would add to them.
    const { seq } = this.#parts.log.add(entry, this.#parts.isSink ? undefined : body);
    this.#parts.rejectedLog.add(errors, rejected, { seq, time });
  }
}

const noAnswer = { status: null, errors: 0, answer: null };

const swallowed: Handled = { answer: { status: 202, errors: [] }, ...NOTHING_READ };

const refusalByFault = {
  code: 'MALFORMED_PARAMETER',
  message: 'The body contains a string that a fault refuses.',
} as const;

function checkBodySize(body: unknown, { requestBytesMax }: Limits): Refusal | undefined {
  const bytes = Buffer.isBuffer(body) ? body.length : 0;
  if (bytes <= requestBytesMax) return undefined;
  const message = `The body has ${bytes} bytes, at most ${requestBytesMax} are allowed.`;
  return { status: 413, code: 'MALFORMED_PARAMETER', message };
}

/** Decodes the body. Invalid UTF-8 becomes an empty string, which is not JSON either. */
function decodeBody(body: unknown): string {
  return Buffer.isBuffer(body) && isUtf8(body) ? body.toString('utf8') : '';
}
