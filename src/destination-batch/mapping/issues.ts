import type { AttributeCode, Change, ChangeCode, LeftOut } from '../codes.ts';
import type { AttributeName } from './attribute-name.ts';

/** Why something is not sent. */
export type Fault = { readonly code: AttributeCode; readonly reason: string };

/** What a String column has for NULL, so that it is no fault of the row. */
export const BLANK: Fault = { code: 'text_blank', reason: 'is a blank text' };

const NONE: readonly never[] = [];

/** What there is to say of one row. Most rows give no cause, and then nothing is allocated. */
export class Remarks {
  #leftOut: LeftOut[] = [];
  #changes: Change[] = [];
  /** The first attribute that is left out for breaking a rule. */
  firstInvalid: LeftOut | undefined;
  #column = '';
  /** What was told of names once and for all, and what is told of this row's if it is sent. */
  readonly #told = new WeakSet<AttributeName>();
  #toTell: AttributeName[] = [];

  get leftOut(): readonly LeftOut[] {
    return this.#leftOut.length === 0 ? NONE : this.#leftOut;
  }

  /** What is changed in this row, which is sent: a name that is changed is told of once. */
  takeChanges(): readonly Change[] {
    if (this.#changes.length === 0) return NONE;
    for (const name of this.#toTell) this.#told.add(name);
    return this.#changes;
  }

  /** How much has been said of this row. */
  get count(): number {
    return this.#leftOut.length + this.#changes.length;
  }

  startRow(): void {
    // One that is empty was never handed out, and can go on to be that of this row.
    if (this.#leftOut.length > 0) this.#leftOut = [];
    if (this.#changes.length > 0) this.#changes = [];
    if (this.#toTell.length > 0) this.#toTell = [];
    this.firstInvalid = undefined;
  }

  /** What is said from now on is said of this column. */
  startColumn(column: string): void {
    this.#column = column;
  }

  addLeftOut(path: string, fault: Fault): void {
    const leftOut = { column: this.#column, path, code: fault.code, reason: fault.reason };
    if (fault !== BLANK) this.firstInvalid ??= leftOut;
    this.#leftOut.push(leftOut);
  }

  addChange(path: string, code: ChangeCode, reason: string): void {
    this.#changes.push({ column: this.#column, path, code, reason });
  }

  /** Of a name that is sent in lower case: told with the first event that has it. */
  addLowerCased(path: string, name: AttributeName): void {
    if (name.lowerCased === undefined || this.#told.has(name) || this.#toTell.includes(name)) return;
    this.#toTell.push(name);
    this.addChange(path, 'name_lower_cased', name.lowerCased);
  }
}
