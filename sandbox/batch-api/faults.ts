import { z } from 'zod';
import { readBy } from './bad-request.ts';

/** How many calls meet the fault, one after the other. */
const times = z.int().positive().default(1);

/** Whether the call is handled before its answer goes wrong, so that what it brought is stored. */
const stored = z.boolean().default(false);

const partialError = {
  bulk_index: z.int().nonnegative(),
  category: z.string(),
  reason: z.string(),
  attribute: z.string().optional(),
};

const faultSchema = z.discriminatedUnion('kind', [
  /**
   * This status instead of handling the call, or of the answer to a call that was: so a gateway says it that lost the
   * server behind it. The documented error body unless another is given.
   */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    retry_after_seconds: z.number().nonnegative().optional(),
    /** Where a redirect leads. */
    location: z.string().optional(),
    body: z.json().optional(),
    stored,
    times,
  }),
  /** No answer, until the client leaves, the server closes, or so much time has passed: then the connection is cut. */
  z.strictObject({ kind: z.literal('hang'), milliseconds: z.int().nonnegative().optional(), stored, times }),
  /** The connection is destroyed instead of an answer. */
  z.strictObject({ kind: z.literal('cut'), stored, times }),
  /** A 202 whose body is not the documented one, nor JSON. */
  z.strictObject({ kind: z.literal('garbage'), stored, times }),
  /** The call is handled only after a while, even if its client has left by then. */
  z.strictObject({ kind: z.literal('delay'), milliseconds: z.int().nonnegative(), times }),
  /**
   * One more partial error. It drops the update, or with `attribute` that attribute of the profile and of each event of
   * the update. With an index or an attribute that the call does not hold, it is only reported.
   */
  z.strictObject({ kind: z.literal('partial'), ...partialError, times }),
  /** Several of them in one answer. */
  z.strictObject({ kind: z.literal('partials'), errors: z.array(z.strictObject(partialError)).min(1), times }),
  /** 400, or another status, for each call whose body holds this text, for as long as the fault is there. */
  z.strictObject({
    kind: z.literal('refuse_when'),
    contains: z.string().min(1),
    status: z.literal([400, 413, 422]).default(400),
  }),
]);

/** A fault as one asks for it: `times` is 1 and `stored` false unless given. */
export type FaultRequest = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema>;
type FaultOf<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;
type RefuseWhenFault = FaultOf<'refuse_when'>;
type PartialFault = FaultOf<'partial' | 'partials'>;
/** A partial error that a fault asks for. */
export type InjectedError = Omit<FaultOf<'partial'>, 'kind' | 'times'>;
/** Faults that a call meets one at a time, in the order in which they were added. */
type QueuedFault = Exclude<Fault, RefuseWhenFault>;
/** Faults that keep the answer back or replace it, before or after the call was stored. */
type SpoilingFault = FaultOf<'status' | 'hang' | 'cut' | 'garbage'>;
/** Faults that meet a call before it is handled. */
export type ArrivalFault = FaultOf<'delay'> | SpoilingFault;
/** Faults that meet a call that is accepted. */
export type AnswerFault = PartialFault | SpoilingFault;

/**
 * Reads what came from outside: one fault or an array of them.
 *
 * @throws {BadRequest} if one is no fault.
 */
export function readFaults(input: unknown): readonly Fault[] {
  // A union of the two schemas would complain about both.
  return Array.isArray(input) ? readBy(z.array(faultSchema), input) : [readBy(faultSchema, input)];
}

/** The faults that calls are to meet. A call meets at most one of the queue; those that refuse stand beside it. */
export class Faults {
  #queue: QueuedFault[] = [];
  #refusals: RefuseWhenFault[] = [];

  /**
   * Adds one fault or several at the end.
   *
   * @throws {BadRequest} if one is no fault; then none is added.
   */
  add(request: FaultRequest | readonly FaultRequest[]): void {
    for (const fault of readFaults(request)) {
      if (fault.kind === 'refuse_when') this.#refusals.push(fault);
      else this.#queue.push(fault);
    }
  }

  /** What is still to come. */
  list(): readonly Fault[] {
    return [...this.#refusals, ...this.#queue];
  }

  clear(): void {
    this.#queue = [];
    this.#refusals = [];
  }

  /** Takes the next fault if it is one that comes before a call is handled. */
  takeOnArrival(): ArrivalFault | undefined {
    const [head] = this.#queue;
    if (head === undefined || isPartial(head)) return undefined;
    if ('stored' in head && head.stored) return undefined;
    this.spendNext();
    return head;
  }

  /**
   * The next fault if it is one for a call that is accepted. It stays in the queue, for a call that is refused has not
   * met it; {@link spendNext} takes it.
   */
  get onAnswer(): AnswerFault | undefined {
    const [head] = this.#queue;
    if (head === undefined || head.kind === 'delay') return undefined;
    return isPartial(head) || head.stored ? head : undefined;
  }

  /** Counts one meeting with the next fault. */
  spendNext(): void {
    const head = this.#queue.shift();
    if (head !== undefined && head.times > 1) this.#queue.unshift({ ...head, times: head.times - 1 });
  }

  /** The fault that refuses this body, if one does. */
  refusing(body: string): RefuseWhenFault | undefined {
    return this.#refusals.find(({ contains }) => body.includes(contains));
  }
}

export function isPartial(fault: Fault): fault is PartialFault {
  return fault.kind === 'partial' || fault.kind === 'partials';
}

/** The errors that a fault puts into an answer. */
export function errorsOf(fault: PartialFault): readonly InjectedError[] {
  return fault.kind === 'partials' ? fault.errors : [fault];
}
