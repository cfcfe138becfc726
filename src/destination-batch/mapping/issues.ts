import type { AttributeError, Change, ChangeCode, LeftOut } from '../codes.ts';
import { BLANK } from './attribute-errors.ts';
import type { AttributeName } from './attribute-name.ts';

const NONE: readonly never[] = [];

/** What there is to say of one row. Most rows give no cause, and then nothing is allocated. */
export class RowIssues {
  #leftOut: LeftOut[] = [];
  #changes: Change[] = [];
  /** The first attribute that is left out for breaking a rule. */
  firstInvalid: LeftOut | undefined;
  #column = '';
  /** What was told of names once and for all, and what is told of this row's if it is sent. */
  readonly #reported = new WeakSet<AttributeName>();
  #pending: AttributeName[] = [];

  get leftOut(): readonly LeftOut[] {
    return this.#leftOut.length === 0 ? NONE : this.#leftOut;
  }

  /** What is changed in this row, which is sent: a name that is changed is told of once. */
  drainChanges(): readonly Change[] {
    if (this.#changes.length === 0) return NONE;
    for (const name of this.#pending) this.#reported.add(name);
    return this.#changes;
  }

  /** How much has been said of this row. */
  get count(): number {
    return this.#leftOut.length + this.#changes.length;
  }

  reset(): void {
    // One that is empty was never handed out, and can go on to be that of this row.
    if (this.#leftOut.length > 0) this.#leftOut = [];
    if (this.#changes.length > 0) this.#changes = [];
    if (this.#pending.length > 0) this.#pending = [];
    this.firstInvalid = undefined;
  }

  /** What is said from now on is said of this column. */
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

  /** Of a name that is sent in lower case: told with the first event that has it. */
  addLowerCased(path: string, name: AttributeName): void {
    if (name.lowerCased === undefined || this.#reported.has(name) || this.#pending.includes(name)) return;
    this.#pending.push(name);
    this.addChange(path, 'name_lower_cased', name.lowerCased);
  }
}
