import type { Buffer } from 'node:buffer';
import type { Fault } from './faults.ts';
import { LastEntries } from './last-entries.ts';
import { RequestBodies } from './request-bodies.ts';
import { truncateText } from './truncate-text.ts';

export type RequestEntry = {
  /** Number in the order of answers, from 0. */
  readonly seq: number;
  /** RFC 3339, when it was answered or cut. */
  readonly time: string;
  readonly path: string;
  /** Null if a fault withheld the answer. */
  readonly status: number | null;
  /** Bytes of the body of the request. */
  readonly bytes: number;
  /** Updates and events in the call, stored or not; 0 if the body was not parsed. */
  readonly updates: number;
  readonly events: number;
  /** Partial errors in the answer. */
  readonly errors: number;
  /** The fault of this call, if any. */
  readonly fault: Fault['kind'] | null;
  /** The body of the answer, truncated if it is long; null if there was none. */
  readonly answer: string | null;
};

/** How many requests are kept; older ones are only counted. */
export const REQUESTS_KEPT = 1_000;

/** The last requests to the API, and how many got each status. */
export class RequestLog {
  readonly #last = new LastEntries<RequestEntry>(REQUESTS_KEPT);
  readonly #bodies = new RequestBodies();
  #answers = new Map<string, number>();
  #count = 0;

  /**
   * @param body of the request; undefined if it is not kept.
   * @returns the entry, with its number.
   */
  add(request: Omit<RequestEntry, 'seq'>, body?: Buffer): RequestEntry {
    const answer = request.answer === null ? null : truncateText(request.answer);
    const entry: RequestEntry = { seq: this.#count, ...request, answer };
    this.#count += 1;
    const status = entry.status === null ? 'none' : String(entry.status);
    this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1);
    this.#last.add(entry);
    if (body !== undefined) this.#bodies.add(entry.seq, body);
    return entry;
  }

  get count(): number {
    return this.#count;
  }

  /** How many requests got each status; `none` counts those without an answer. */
  get answers(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#answers);
  }

  /** The last entries, oldest first. */
  last(limit: number): readonly RequestEntry[] {
    return this.#last.last(limit);
  }

  /** The body of a request as it was sent; undefined if it is no longer kept. */
  bodyOf(seq: number): Buffer | undefined {
    return this.#bodies.get(seq);
  }

  clear(): void {
    this.#last.clear();
    this.#bodies.clear();
    this.#answers = new Map();
    this.#count = 0;
  }
}
