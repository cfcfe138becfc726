import type { Fault } from './faults.ts';

export type RequestEntry = {
  /** RFC 3339, when it was answered or given up. */
  readonly time: string;
  readonly path: string;
  /** Null where a fault kept the answer back. */
  readonly status: number | null;
  /** Updates and events that the call held, stored or not; 0 where the body was not read that far. */
  readonly updates: number;
  readonly events: number;
  /** Partial errors in the answer. */
  readonly errors: number;
  /** The fault that it met, if any. */
  readonly fault: Fault['kind'] | null;
};

/** Requests remembered; older ones are only counted. */
export const REQUESTS_KEPT = 1_000;

/** The last requests to the API itself, and how all of them were answered. */
export class RequestLog {
  #last: RequestEntry[] = [];
  #answers = new Map<string, number>();
  #count = 0;

  add(entry: RequestEntry): void {
    this.#count += 1;
    const status = entry.status === null ? 'none' : String(entry.status);
    this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1);
    this.#last.push(entry);
    if (this.#last.length > REQUESTS_KEPT) this.#last.shift();
  }

  get count(): number {
    return this.#count;
  }

  /** How many requests got each status; `none` is for those that got no answer. */
  get answers(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#answers);
  }

  /** The last ones, oldest first. */
  last(limit: number): readonly RequestEntry[] {
    return this.#last.slice(Math.max(0, this.#last.length - limit));
  }

  clear(): void {
    this.#last = [];
    this.#answers = new Map();
    this.#count = 0;
  }
}
