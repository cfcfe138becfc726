import type { AttributeCode, Change, ChangeCode, LeftOut } from './reason.ts';

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

  get leftOut(): readonly LeftOut[] {
    return this.#leftOut.length === 0 ? NONE : this.#leftOut;
  }

  get changes(): readonly Change[] {
    return this.#changes.length === 0 ? NONE : this.#changes;
  }

  /** How much has been said of this row. */
  get count(): number {
    return this.#leftOut.length + this.#changes.length;
  }

  startRow(): void {
    // One that is empty was never handed out, and can go on to be that of this row.
    if (this.#leftOut.length > 0) this.#leftOut = [];
    if (this.#changes.length > 0) this.#changes = [];
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
}
