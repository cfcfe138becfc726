import type { AttributeError, Change, ChangeCode, LeftOut } from '../codes.ts';
import { BLANK } from './attribute-errors.ts';
import type { AttributeName } from './attribute-name.ts';

const NONE: readonly never[] = [];

/** What to report about one row. Most rows have no issues, and then nothing is allocated. */
export class RowIssues {
  #leftOut: LeftOut[] = [];
  #changes: Change[] = [];
  /** The first attribute that is left out because it breaks a rule. */
  firstInvalid: LeftOut | undefined;
  #column = '';
  /** Names in lower case that were reported, and those of this row, which are reported if it is sent. */
  readonly #reported = new WeakSet<AttributeName>();
  #pending: AttributeName[] = [];

  get leftOut(): readonly LeftOut[] {
    return this.#leftOut.length === 0 ? NONE : this.#leftOut;
  }

  /** The changes in this row, for an event that is sent. A changed name is reported once. */
  drainChanges(): readonly Change[] {
    if (this.#changes.length === 0) return NONE;
    for (const name of this.#pending) this.#reported.add(name);
    return this.#changes;
  }

  /** The number of issues of this row so far. */
  get count(): number {
    return this.#leftOut.length + this.#changes.length;
  }

  reset(): void {
    // An empty array was never handed out, so it can be used again.
    if (this.#leftOut.length > 0) this.#leftOut = [];
    if (this.#changes.length > 0) this.#changes = [];
    if (this.#pending.length > 0) this.#pending = [];
    this.firstInvalid = undefined;
  }

  /** Sets the column of the next issues. */
  setColumn(column: string): void {
    this.#column = column;
  }

  addLeftOut(path: string, error: AttributeError): void {
    const leftOut = { column: this.#column, path, code: error.code, reason: error.reason };
    if (error !== BLANK) this.firstInvalid ??= leftOut;
    this.#leftOut.push(leftOut);
  }

  addChange(path: string, code: ChangeCode, reason: string): void {
    this.#changes.push({ column: this.#column, path, code, reason });
  }

  /** A name that is sent in lower case is reported with the first event that has it. */
  addLowerCased(path: string, name: AttributeName): void {
    if (name.lowerCased === undefined || this.#reported.has(name) || this.#pending.includes(name)) return;
    this.#pending.push(name);
    this.addChange(path, 'name_lower_cased', name.lowerCased);
  }
}
