import { type RowAttribute, writeAttributeRow } from '../../attribute-rows.ts';
import type { Limits } from '../../batch/limits.ts';
import type { ItemNumber } from '../../byte-arena.ts';
import type { AttributeError, LeftOut } from '../../codes.ts';
import { resolveCustomIdColumn, selectProfileColumns } from '../../config/mapping.ts';
import { ItemArena } from '../../item-arena.ts';
import type { ProfileNumber } from '../../profile-table.ts';
import { BLANK, NAME_TAKEN } from '../attribute-errors.ts';
import { type AttributeName, AttributeNames } from '../attribute-name.ts';
import { AttributeWriter, type Converted, type ValueKind } from '../attribute-value.ts';
import { resolveValueKind } from '../column-types.ts';
import { CustomIdRules, toIdentifier } from '../custom-id.ts';
import { RowIssues } from '../issues.ts';
import type { ColumnUse, Row } from '../mapper.ts';
import { DEFAULTS, type MapperOptions, type RejectedRow, rejectRow } from '../rules.ts';
import { type NativeCheck, parseNativeColumn } from './native-attributes.ts';
import { convertProfileValue, isWithoutValue } from './profile-values.ts';

/**
 * The attributes of a row, in the arena, and their profile. If a row has more attributes than one update allows, it is split into
 * several parts.
 */
export type MappedAttributes = {
  kind: 'attributes';
  parts: readonly ItemNumber[];
  profile: ProfileNumber;
  leftOut: readonly LeftOut[];
};

/** The role of a column. `check` is undefined for an attribute that is not one of Batch's own. */
type Role = 'profile' | 'not_sent' | { name: AttributeName; kind: ValueKind; check: NativeCheck | undefined };

/** Maximum number of cached columns. Rows that don't come from a table may all have different columns. */
const MAX_COLUMNS = 10_000;

/**
 * Maps the rows of a stream to attributes of profiles. Every row is parsed. Unlike for events, there is no fast path, because there
 * are fewer of these rows.
 */
export class ProfileMapper {
  readonly #arena: ItemArena;
  readonly #limits: Limits;
  readonly #options: MapperOptions;
  readonly #customIdColumn: string;
  readonly #customId: CustomIdRules;
  readonly #isAttribute: (column: string) => boolean;
  readonly #plainText: ReadonlySet<string>;
  readonly #names: AttributeNames;
  readonly #issues = new RowIssues();
  readonly #writer: AttributeWriter;
  readonly #roles = new Map<string, Role>();

  constructor(limits: Limits, options: Partial<MapperOptions> = {}, arena = new ItemArena()) {
    this.#arena = arena;
    this.#limits = limits;
    this.#options = { ...DEFAULTS, ...options };
    const { mapping, policies, cursorColumn } = this.#options;
    this.#customIdColumn = resolveCustomIdColumn(mapping);
    this.#customId = new CustomIdRules(this.#customIdColumn, limits, 'to update');
    this.#isAttribute = selectProfileColumns(mapping, cursorColumn);
    this.#plainText = new Set(mapping.plain_text_columns);
    this.#names = new AttributeNames(policies);
    this.#writer = new AttributeWriter(limits, policies, this.#names, this.#issues);
  }

  /** Returns what the column with this name becomes. */
  describeColumn(column: string): ColumnUse {
    const role = this.#resolveRole(column);
    if (typeof role === 'string') return { kind: role };
    return {
      kind: 'attribute',
      name: sentName(role.name),
      valueKind: role.check === undefined ? role.kind : 'untyped',
    };
  }

  map(row: Row): MappedAttributes | RejectedRow {
    if (this.#names.isFull || this.#roles.size > MAX_COLUMNS) this.#clear();
    this.#issues.reset();
    const customId = toIdentifier(row[this.#customIdColumn]);
    const idError = this.#customId.findError(customId);
    if (idError !== undefined) return { kind: 'rejected', rejection: idError };
    const attributes = this.#mapAttributes(row);
    const invalid = this.#issues.firstInvalid;
    if (
      invalid !== undefined &&
      (attributes.length === 0 || this.#options.policies.invalid_attribute === 'reject_event')
    ) {
      const none = attributes.length === 0 ? 'no attribute of the row can be sent: ' : '';
      return rejectRow(
        'attribute_invalid',
        `${none}the attribute "${invalid.path}" ${invalid.reason} (${invalid.code})`,
      );
    }
    for (const change of this.#issues.drainChanges()) this.#options.onChange(change);
    const parts = this.#split(attributes).map((part) => this.#arena.add(writeAttributeRow(part)));
    const profile = this.#arena.profiles.findText(customId);
    return { kind: 'attributes', parts, profile, leftOut: this.#issues.leftOut };
  }

  #mapAttributes(row: Row): RowAttribute[] {
    const object = this.#writer.startObject();
    const attributes: RowAttribute[] = [];
    const deleted: AttributeName[] = [];
    for (const column of Object.keys(row)) {
      const role = this.#resolveRole(column);
      if (typeof role === 'string') continue;
      const { name, kind } = role;
      const value = row[column];
      this.#issues.setColumn(column);
      if (isWithoutValue(value, kind)) {
        if (this.#options.policies.null_attribute === 'delete' && name.error === undefined) deleted.push(name);
        else if (typeof value === 'string' && value.trim() === '') this.#issues.addLeftOut(column, BLANK);
        continue;
      }
      const json = this.#claim(name, this.#convert(value, role, column), object, column);
      if (json !== undefined) attributes.push({ name: sentName(name), value: json });
    }
    // If two columns become the same attribute, a value takes precedence over NULL.
    for (const name of deleted) {
      if (name.uses.add(object, 0)) attributes.push({ name: sentName(name), value: 'null' });
    }
    return attributes;
  }

  #convert(value: unknown, { kind, check }: Exclude<Role, string>, column: string): Converted {
    return check === undefined ? convertProfileValue(this.#writer, value, kind, column) : check(value, this.#limits);
  }

  /**
   * Returns the JSON of a value that is sent. If an error prevents that, adds the error to the issues. Returns undefined without an
   * error if there is nothing to send, such as for an edit that changes nothing.
   */
  #claim(name: AttributeName, converted: Converted, object: number, column: string): string | undefined {
    if (converted === undefined) return undefined;
    const error = name.error ?? (typeof converted === 'string' ? undefined : converted);
    if (error === undefined && typeof converted === 'string' && name.uses.add(object, 0)) {
      this.#issues.addLowerCased(column, name);
      return converted;
    }
    this.#issues.addLeftOut(column, error ?? NAME_TAKEN);
    return undefined;
  }

  /** Splits the attributes of a row so that each part fits into an update. Without attributes, the only part is empty. */
  #split(attributes: readonly RowAttribute[]): RowAttribute[][] {
    const { attributes_per_update: most } = this.#limits;
    const parts = [attributes.slice(0, most)];
    for (let start = most; start < attributes.length; start += most) parts.push(attributes.slice(start, start + most));
    return parts;
  }

  #resolveRole(column: string): Role {
    let role = this.#roles.get(column);
    if (role === undefined) {
      role = this.#createRole(column);
      this.#roles.set(column, role);
    }
    return role;
  }

  #createRole(column: string): Role {
    if (column === this.#customIdColumn) return 'profile';
    if (!this.#isAttribute(column)) return 'not_sent';
    const name = this.#names.parseColumn(column);
    const native = parseNativeColumn(column);
    if (native === undefined) {
      const isPlainText = this.#plainText.has(column);
      return {
        name,
        kind: resolveValueKind(name, this.#options.columnTypes.get(column), isPlainText),
        check: undefined,
      };
    }
    if (native.kind === 'unknown') return { name: withError(name, native.error), kind: 'text', check: undefined };
    // The name of the column is checked like the name of any other column.
    const { error, lowerCased } = name;
    const own = this.#names.createReserved(native.name);
    return { name: { ...own, error, lowerCased }, kind: 'text', check: native.check };
  }

  #clear(): void {
    this.#names.clear();
    this.#writer.clear();
    this.#roles.clear();
  }
}

/** Returns the name that is sent to Batch, such as `date(x)`. */
function sentName({ jsonKey }: AttributeName): string {
  return jsonKey.slice(1, -2);
}

function withError(name: AttributeName, error: AttributeError): AttributeName {
  return { ...name, error };
}
