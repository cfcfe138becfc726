import type { Cell, Meaning, RandomRow } from './random-attributes.ts';

// Computes a profile after rows, as if each row was sent by itself. It knows what the cells mean, and nothing about updates.

export type ProfileSettings = {
  /** The effect of a missing value on an attribute. */
  nullAttribute: 'keep' | 'delete';
  /** The longest string that Batch accepts. The destination accepts longer ones. */
  batchStringMax: number;
};

/** The attributes of a profile, each in JSON, by the name that Batch has for them. */
export type ExpectedProfile = Map<string, string>;

/** The outcome of a row. Batch may refuse it only if it is sent, and not if newer values have replaced all of its own. */
export type ExpectedOutcome = 'accepted' | 'rejected' | 'refused';

/** Applies a row to the profiles. */
export function applyRow(
  profiles: Map<string, ExpectedProfile>,
  row: RandomRow,
  settings: ProfileSettings,
): ExpectedOutcome {
  if (row.profile === undefined) return 'rejected';
  const profile: ExpectedProfile = profiles.get(row.profile) ?? new Map();
  const sent = sentCells(row.cells, settings);
  const isValid = ({ meaning }: Cell): boolean => !('longest' in meaning) || meaning.longest <= settings.batchStringMax;
  const isAnyInvalid = row.cells.some(({ meaning }) => meaning.kind === 'invalid');
  if (sent.size === 0 && isAnyInvalid) return 'rejected';
  // Batch creates the profile even if it refuses all attributes.
  profiles.set(row.profile, profile);
  const accepted = [...sent].filter(([, cell]) => isValid(cell));
  for (const [name, { meaning }] of accepted) apply(profile, name, meaning);
  return sent.size === 0 || accepted.length > 0 ? 'accepted' : 'refused';
}

/** Whether newer rows of the profile replace all values of a row. */
export function isReplaced(row: RandomRow, newer: readonly RandomRow[], settings: ProfileSettings): boolean {
  const replaced = new Set(
    newer
      .filter(({ profile }) => profile === row.profile)
      .flatMap(({ cells }) => [...sentCells(cells, settings)])
      .flatMap(([name, { meaning }]) => (meaning.kind === 'edit' ? [] : [name])),
  );
  return [...sentCells(row.cells, settings).keys()].every((name) => replaced.has(name));
}

const isSet = ({ meaning }: Cell): boolean => meaning.kind === 'set' || meaning.kind === 'edit';

/** The cells that are sent, by name: the first one of those with a value, and otherwise one without. */
function sentCells(cells: readonly Cell[], { nullAttribute }: ProfileSettings): Map<string, Cell> {
  const sent = new Map<string, Cell>();
  const withoutValue = nullAttribute === 'delete' ? cells.filter(({ meaning }) => meaning.kind === 'none') : [];
  for (const cell of [...cells.filter(isSet), ...withoutValue]) {
    const name = nameOf(cell.column);
    if (!sent.has(name) && /^[\w$()]+$/.test(name)) sent.set(name, cell);
  }
  return sent;
}

function apply(profile: ExpectedProfile, name: string, meaning: Meaning): void {
  if (meaning.kind === 'none') profile.delete(name);
  else if (meaning.kind === 'set') profile.set(name, meaning.value);
  else if (meaning.kind === 'edit') {
    const held: unknown = JSON.parse(profile.get(name) ?? '[]');
    const items = new Set([...(Array.isArray(held) ? held : []), ...meaning.add]);
    profile.set(name, JSON.stringify([...items].filter((item) => !meaning.remove.includes(item))));
  }
}

/** The name that Batch has for a column. */
function nameOf(column: string): string {
  const [, prefix, inner] = /^(date|url|batch)__(.*)$/.exec(column) ?? [];
  if (prefix === undefined) return column.toLowerCase();
  return prefix === 'batch' ? `$${inner}` : `${prefix}(${inner})`;
}
