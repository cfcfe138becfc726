import { exactValue, NumberText, ObjectTree, type Tree, treeOf } from '../support/json-tree.ts';

// Checks whether an event that was sent matches its row, by the row's own JSON. It knows the rules by which columns get
// their names and values, and does not use the code that applies them.

type Columns = ReadonlyMap<string, Tree>;

const NOT_SENT: ReadonlySet<string> = new Set(['custom_id', 'event_name', 'event_time', 'last_updated_at']);
const TYPED = /^(date|url)(?:__|\()(.*?)\)?$/s;

/** How an event differs from what its row must become; empty if it does not. */
export function mismatches(customId: Tree | undefined, event: ObjectTree, row: Columns): string[] {
  const found: string[] = [];
  const { entries } = event;
  if (!isSameId(customId, row.get('custom_id'))) found.push('custom_id is not that of the row');
  if (entries.get('name') !== row.get('event_name')) found.push('name is not that of the row');
  const time = timeOf(row);
  const sentTime = entries.get('time');
  if (time === null ? sentTime !== undefined : !isSameMoment(sentTime, time, false)) {
    found.push('time is not that of the row');
  }
  for (const key of entries.keys()) {
    if (key !== 'name' && key !== 'time' && key !== 'attributes') found.push(`the event has a key ${key}`);
  }
  const attributes = entries.get('attributes');
  const sent = attributes instanceof ObjectTree ? attributes.entries : new Map<string, Tree>();
  const columns = new Map([...row].filter(([name]) => !NOT_SENT.has(name) && !name.startsWith('_airbyte_')));
  for (const [name, value] of sent) {
    if (!comesFrom(name, value, columns)) found.push(`the attribute ${name} is in no column: ${shown(value)}`);
  }
  for (const name of certainNames(columns)) {
    if (!sent.has(name)) found.push(`the attribute ${name} is missing`);
  }
  return found;
}

/** Whether a row must be accepted, or must be rejected before it is sent; undefined if this is unknown. */
export function expectedOutcome(row: Columns, bytes: number): 'sent' | 'rejected' | undefined {
  const id = row.get('custom_id') ?? null;
  const name = row.get('event_name') ?? null;
  const time = timeOf(row);
  const isGoodName = typeof name === 'string' && /^[a-z0-9_]{1,30}$/.test(name);
  if (!isGoodName) return 'rejected';
  if (id === null || typeof id === 'boolean' || Array.isArray(id) || id instanceof ObjectTree) return 'rejected';
  if (typeof id === 'string' && (id.trim() === '' || id.length > 512 || !id.isWellFormed())) return 'rejected';
  if (id instanceof NumberText && /\.\d*[1-9]/.test(id.digits) && !/e/i.test(id.digits)) return 'rejected';
  if (time !== null && momentOf(time, false) === undefined) return 'rejected';
  const isGoodId =
    typeof id === 'string' ? /^[a-z]\d{1,9}$/.test(id) : id instanceof NumberText && /^\d{1,40}$/.test(id.digits);
  return isGoodId && bytes < 12_000 ? 'sent' : undefined;
}

/** A blank string is what a String column contains instead of NULL. */
function timeOf(row: Columns): Tree {
  const time = row.get('event_time') ?? null;
  return typeof time === 'string' && time.trim() === '' ? null : time;
}

/** Milliseconds since 1970 and the digits of the fraction of a second. */
function momentOf(value: Tree | undefined, isDayAllowed: boolean): [number, string] | undefined {
  if (typeof value !== 'string') return undefined;
  const match = /^(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|([+-])(\d\d):(\d\d)))?$/.exec(value);
  if (match === null) return undefined;
  const [, date = '', clock, fraction = '', zone, sign, hours = '0', minutes = '0'] = match;
  if (zone === undefined && !isDayAllowed) return undefined;
  const milliseconds = Date.parse(`${date}T${clock ?? '00:00:00'}Z`);
  if (Number.isNaN(milliseconds) || Number(hours) > 23 || Number(minutes) > 59) return undefined;
  if (!new Date(milliseconds).toISOString().startsWith(date) && clock !== '24:00:00') return undefined;
  if (clock?.startsWith('24') === true) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  const moment = milliseconds - offset;
  const isYearOfFourDigits =
    moment >= Date.parse('0000-01-01T00:00:00Z') && moment < Date.parse('+010000-01-01T00:00:00Z');
  return isYearOfFourDigits ? [moment, fraction] : undefined;
}

function isSameMoment(sent: Tree | undefined, own: Tree, isDayAllowed: boolean): boolean {
  if (typeof sent !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(sent)) return false;
  const [sentMoment, ownMoment] = [momentOf(sent, false), momentOf(own, isDayAllowed)];
  return sentMoment !== undefined && String(sentMoment) === String(ownMoment);
}

function isSameId(sent: Tree | undefined, own: Tree | undefined): boolean {
  if (typeof sent !== 'string') return false;
  if (typeof own === 'string') return own === sent;
  return own instanceof NumberText && /^-?\d+$/.test(sent) && exactValue(sent) === exactValue(own.digits);
}

/** The name by which a column, or a name in an object, may be sent. */
function attributeName(name: string): string {
  const lowerCase = name.toLowerCase();
  if (lowerCase === 'batch__label' || lowerCase === 'batch__tags') return lowerCase.replace('batch__', '$');
  const [, type, inner] = TYPED.exec(lowerCase) ?? [];
  return type === undefined ? lowerCase : `${type}(${inner})`;
}

function comesFrom(name: string, value: Tree, columns: Columns): boolean {
  for (const [column, own] of columns) {
    if (attributeName(column) === name && isImage(name, value, own, true)) return true;
  }
  return false;
}

/** @param isColumn whether a string may contain JSON. */
function isImage(name: string, sent: Tree, own: Tree, isColumn: boolean): boolean {
  if (name.startsWith('date(')) return isSameMoment(sent, own, true);
  if (name.startsWith('url(') || name === '$label') return typeof sent === 'string' && sent === own;
  const structure = isColumn && typeof own === 'string' ? structureIn(own) : undefined;
  return isSame(sent, structure ?? own);
}

function isSame(sent: Tree, own: Tree): boolean {
  if (sent instanceof NumberText) return own instanceof NumberText && sent.digits === own.digits;
  if (sent instanceof ObjectTree) return own instanceof ObjectTree && isPartOf(sent, own);
  if (isList(sent)) return isList(own) && isListOf(sent, own);
  return sent === own;
}

/** An object may be sent without some of its keys. */
function isPartOf(sent: ObjectTree, own: ObjectTree): boolean {
  for (const [name, value] of sent.entries) {
    const isThere = [...own.entries].some(
      ([ownName, ownValue]) =>
        (ownName === name || attributeName(ownName) === name) && isImage(name, value, ownValue, false),
    );
    if (!isThere) return false;
  }
  return true;
}

/** A list is complete, except for empty objects. */
function isListOf(sent: readonly Tree[], own: readonly Tree[]): boolean {
  let next = 0;
  for (const item of own) {
    const candidate = sent[next];
    if (candidate !== undefined && isSame(candidate, item)) next += 1;
    else if (!(item instanceof ObjectTree)) return false;
  }
  return next === sent.length;
}

function isList(tree: Tree): tree is readonly Tree[] {
  return Array.isArray(tree);
}

function structureIn(text: string): Tree | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return treeOf(text.trim());
  } catch {
    return undefined;
  }
}

/** The names of attributes that break no rule, even in its strictest reading. */
function certainNames(columns: Columns): string[] {
  const filled = [...columns].filter(([, value]) => value !== null);
  if (filled.length > 20) return [];
  // `x`, `date__x` and `url__x` are one attribute, of which the first that can be sent is sent.
  const names = filled.map(([name]) => attributeName(name).replace(TYPED, '$2'));
  return filled.flatMap(([column, value], index) => {
    const name = names[index] ?? '';
    const isAlone = names.indexOf(name) === names.lastIndexOf(name);
    return isAlone &&
      /^[a-z0-9_]{1,30}$/.test(column) &&
      !TYPED.test(column) &&
      !name.startsWith('$') &&
      isCertain(value)
      ? [name]
      : [];
  });
}

function isCertain(value: Tree): boolean {
  if (typeof value === 'boolean') return true;
  if (value instanceof NumberText) return /^-?\d{1,18}(\.\d{1,40})?$/.test(value.digits);
  if (isList(value)) return value.length > 0 && value.length <= 25 && value.every(isCertainText);
  return isCertainText(value);
}

function isCertainText(value: Tree): boolean {
  return (
    typeof value === 'string' &&
    value.length <= 300 &&
    value.isWellFormed() &&
    /^[^[{\s]/.test(value) &&
    value.trim() !== ''
  );
}

function shown(value: Tree): string {
  if (value instanceof ObjectTree) return value.text.slice(0, 200);
  return value instanceof NumberText ? value.digits : JSON.stringify(value).slice(0, 200);
}
