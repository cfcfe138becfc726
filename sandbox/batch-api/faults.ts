import { z } from 'zod';
import { readBy } from './bad-request.ts';

/** How many calls get the fault, one after the other. */
const times = z.int().positive().default(1);

/** Whether the call is handled, and its updates stored, before its answer fails. */
const stored = z.boolean().default(false);

const partialError = {
  bulk_index: z.int().nonnegative(),
  category: z.string(),
  reason: z.string(),
  attribute: z.string().optional(),
};

const faultSchema = z.discriminatedUnion('kind', [
  /**
   * Answers with this status instead of handling the call, or after handling it, as a gateway does that lost its server.
   * The body is the documented error body unless another is given.
   */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    retry_after_seconds: z.number().nonnegative().optional(),
    /** The target of a redirect. */
    location: z.string().optional(),
    body: z.json().optional(),
    stored,
    times,
  }),
  /** No answer. The connection is cut when the client leaves, the server closes, or after `milliseconds`. */
  z.strictObject({ kind: z.literal('hang'), milliseconds: z.int().nonnegative().optional(), stored, times }),
  /** The connection is destroyed instead of an answer. */
  z.strictObject({ kind: z.literal('cut'), stored, times }),
  /** A 202 whose body is not JSON. */
  z.strictObject({ kind: z.literal('garbage'), stored, times }),
  /** The call is handled after a delay, even if its client has left by then. */
  z.strictObject({ kind: z.literal('delay'), milliseconds: z.int().nonnegative(), times }),
  /**
   * Adds a partial error. It drops the update, or with `attribute` that attribute of the profile and of each event of the
   * update. With an index or an attribute that the call does not contain, it is only reported.
   */
  z.strictObject({ kind: z.literal('partial'), ...partialError, times }),
  /** Several partial errors in one answer. */
  z.strictObject({ kind: z.literal('partials'), errors: z.array(z.strictObject(partialError)).min(1), times }),
  /** Refuses each call whose body contains this string, with 400 or another status, until the fault is cleared. */
  z.strictObject({
    kind: z.literal('refuse_when'),
    contains: z.string().min(1),
    status: z.literal([400, 413, 422]).default(400),
  }),
]);

/** A fault as it is requested: `times` is 1 and `stored` is false unless given. */
export type FaultRequest = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema>;
type FaultOf<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;
type RefuseWhenFault = FaultOf<'refuse_when'>;
type PartialFault = FaultOf<'partial' | 'partials'>;
/** A partial error that a fault adds. */
export type InjectedError = Omit<FaultOf<'partial'>, 'kind' | 'times'>;
/** Faults that calls get one at a time, in the order in which they were added. */
type QueuedFault = Exclude<Fault, RefuseWhenFault>;
/** Faults that withhold or replace the answer, before or after the call was stored. */
type SpoilingFault = FaultOf<'status' | 'hang' | 'cut' | 'garbage'>;
/** Faults that affect a call before it is handled. */
export type ArrivalFault = FaultOf<'delay'> | SpoilingFault;
/** Faults that affect an accepted call. */
export type AnswerFault = PartialFault | SpoilingFault;

/**
 * Parses one fault or an array of faults.
 *
 * @throws {BadRequest} if one is not a valid fault.
 */
export function readFaults(input: unknown): readonly Fault[] {
  // A union of the two schemas would complain about both.
  return Array.isArray(input) ? readBy(z.array(faultSchema), input) : [readBy(faultSchema, input)];
}

/** The faults for the next calls. A call gets at most one fault of the queue; `refuse_when` faults are separate. */
export class Faults {
  #queue: QueuedFault[] = [];
  #refusals: RefuseWhenFault[] = [];

  /**
   * Adds one or several faults at the end.
   *
   * @throws {BadRequest} if one is not a valid fault; then none is added.
   */
  add(request: FaultRequest | readonly FaultRequest[]): void {
    for (const fault of readFaults(request)) {
      if (fault.kind === 'refuse_when') this.#refusals.push(fault);
      else this.#queue.push(fault);
    }
  }

  /** The faults that are still to come. */
  list(): readonly Fault[] {
    return [...this.#refusals, ...this.#queue];
  }

  clear(): void {
    this.#queue = [];
    this.#refusals = [];
  }

  /** Takes the next fault if it affects a call before it is handled. */
  takeOnArrival(): ArrivalFault | undefined {
    const [head] = this.#queue;
    if (head === undefined || isPartial(head)) return undefined;
    if ('stored' in head && head.stored) return undefined;
    this.spendNext();
    return head;
  }

  /**
   * The next fault if it affects an accepted call. It stays in the queue, because a refused call does not use it up;
   * {@link spendNext} takes it.
   */
  get onAnswer(): AnswerFault | undefined {
    const [head] = this.#queue;
    if (head === undefined || head.kind === 'delay') return undefined;
    return isPartial(head) || head.stored ? head : undefined;
  }

  /** Uses up one of the next fault's `times`. */
  spendNext(): void {
    const head = this.#queue.shift();
    if (head !== undefined && head.times > 1) this.#queue.unshift({ ...head, times: head.times - 1 });
  }

  /** The fault that refuses this body, if there is one. */
  refusing(body: string): RefuseWhenFault | undefined {
    return this.#refusals.find(({ contains }) => body.includes(contains));
  }
}

export function isPartial(fault: Fault): fault is PartialFault {
  return fault.kind === 'partial' || fault.kind === 'partials';
}

/** The errors that a fault adds to an answer. */
export function errorsOf(fault: PartialFault): readonly InjectedError[] {
  return fault.kind === 'partials' ? fault.errors : [fault];
}
