import type { AttributeError, Change, ChangeCode, LeftOut } from '../codes.ts';
import { BLANK } from './attribute-errors.ts';
import type { AttributeName } from './attribute-name.ts';

const NONE: readonly never[] = [];

/** A key of an object, or an index of an array; undefined for the value of a column. */
export type PathSegment = string | number | undefined;

/** A column, or a value inside a column. It is only described if there is something to report. */
export type Path = string | { readonly parent: Path; readonly segment: string | number };

/** Matches the keys that messages show. Other keys are not shown, because they may be data, such as the keys of a map. */
const KEY_LIKE_A_NAME = /^(?:(?:date|url)\()?[$a-z_][\w$.()-]{0,34}$/i;

/** Collects what to report about one row. Most rows have no issues, so nothing is allocated until the first one. */
export class RowIssues {
  #leftOut: LeftOut[] = [];
  #changes: Change[] = [];
  /** The first attribute that is left out because it breaks a rule. A blank attribute does not count. */
  firstInvalid: LeftOut | undefined;
  #column = '';
  /** The names whose change to lower case has been reported. */
  readonly #reported = new WeakSet<AttributeName>();
  /** The names in this row whose change to lower case is reported if the event is sent. */
  #pending: AttributeName[] = [];

  get leftOut(): readonly LeftOut[] {
    return this.#leftOut.length === 0 ? NONE : this.#leftOut;
  }

  /**
   * Returns the changes to report for an event that is sent. A changed name is reported only once, so it is not returned
   * again for a later row.
   */
  drainChanges(): readonly Change[] {
    if (this.#changes.length === 0) return NONE;
    for (const name of this.#pending) this.#reported.add(name);
    return this.#changes;
  }

  reset(): void {
    // Empty arrays are reused, because they have not been returned to a caller.
    if (this.#leftOut.length > 0) this.#leftOut = [];
    if (this.#changes.length > 0) this.#changes = [];
    if (this.#pending.length > 0) this.#pending = [];
    this.firstInvalid = undefined;
  }

  /** Sets the column of the issues that are added next. */
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

  /**
   * Adds a change of the event's time before the changes of its attributes, so that both ways of mapping report them in the same
   * order: the time of a parsed row is checked before its attributes, and the time of a cut row after them.
   */
  addTimeChange(path: string, code: ChangeCode, reason: string): void {
    this.#changes.unshift({ column: this.#column, path, code, reason });
  }

  /** Whether an earlier event has reported the change of this name to lower case. */
  isReported(name: AttributeName): boolean {
    return this.#reported.has(name);
  }

  /** Records that a name was changed to lower case, unless that is recorded already, for this row or an earlier one. */
  addLowerCased(path: string, name: AttributeName): void {
    if (name.lowerCased === undefined || this.#reported.has(name) || this.#pending.includes(name)) return;
    this.#pending.push(name);
    this.addChange(path, 'name_lower_cased', name.lowerCased);
  }
}

export function extendPath(parent: Path, segment: PathSegment): Path {
  return segment === undefined ? parent : { parent, segment };
}

/** Describes a path in the form `items[0].name`. */
export function describePath(path: Path): string {
  if (typeof path === 'string') return path;
  const { parent, segment } = path;
  if (typeof segment === 'number') return `${describePath(parent)}[${segment}]`;
  const key = KEY_LIKE_A_NAME.test(segment) ? segment : `(key of ${segment.length} characters)`;
  return `${describePath(parent)}.${key}`;
}
