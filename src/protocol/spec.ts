import { z } from 'zod';
import { isJsonObject } from '../shared/exact-json.ts';

/** The version of the Airbyte protocol that the messages follow. Platforms compare only the major version. */
const PROTOCOL_VERSION = '0.18.0';

/** In a form, the card with all options that have no card of their own. */
const DEFAULT_CARD = 'default';

/**
 * Builds the specification that `spec` prints. It contains a JSON Schema (draft 7) of the configuration as the user writes it,
 * with the hints for forms from the schema's `meta` (title, order, examples, airbyte_secret).
 */
export function buildSpecification(
  configuration: z.ZodType,
  details: { documentationUrl: string } & Record<string, unknown>,
): Record<string, unknown> {
  const form = z.toJSONSchema(configuration, {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => adaptToForms(jsonSchema),
  });
  return {
    protocol_version: PROTOCOL_VERSION,
    ...details,
    // Unknown options are allowed, because platforms add their own keys to a configuration.
    connectionSpecification: { ...form, additionalProperties: true, ...addCards(form) },
  };
}

/**
 * Removes what would mislead a platform.
 *
 * If the schema forbade unknown options, a platform would refuse a stored configuration as soon as a release removed one of its
 * options. So only the connector itself refuses unknown options.
 *
 * Airbyte's form compares the default of a choice only with the constants of its variants, so a default that is a whole variant
 * never matches, and the form selects the first variant. So the default is removed here, and it must be the first variant.
 */
function adaptToForms(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.additionalProperties === false) schema.additionalProperties = true;
  if (schema.oneOf !== undefined) delete schema.default;
}

/**
 * Gives each option that is an object its own card in forms, with the title of the object, because Airbyte's form shows no title
 * for an object inside another card.
 * https://docs.airbyte.com/platform/connector-development/connector-specification-reference#grouping-fields
 *
 * @returns the list of cards, in their order; nothing if no option is an object.
 */
function addCards({ properties = {} }: z.core.JSONSchema.BaseSchema): { groups?: { id: string; title?: string }[] } {
  const cards = Object.entries(properties).flatMap(([id, option]) => {
    if (typeof option !== 'object' || option.properties === undefined) return [];
    option.group = id;
    return [{ order: Number(option.order), id, title: String(option.title) }];
  });
  if (cards.length === 0) return {};
  const sorted = cards.toSorted((a, b) => a.order - b.order).map(({ id, title }) => ({ id, title }));
  return { groups: [{ id: DEFAULT_CARD }, ...sorted] };
}

/**
 * Finds the strings in a configuration that its schema marks as secret, at any depth. If an option has variants, this includes
 * the secrets of variants that are not selected: an old key is still a secret. Every command calls this function when it starts.
 * So the function doesn't use the JSON Schema, which takes milliseconds to build.
 *
 * @param configuration the configuration as written, because the schema drops the keys of variants that are not selected.
 */
export function findSecrets(configuration: unknown, schema: z.core.$ZodType): string[] {
  if (z.globalRegistry.get(schema)?.airbyte_secret === true) {
    return typeof configuration === 'string' ? [configuration] : [];
  }
  if (schema instanceof z.ZodObject) {
    if (!isJsonObject(configuration)) return [];
    const fields = new Map(Object.entries(configuration));
    return Object.entries(schema.shape).flatMap(([name, field]) => findSecrets(fields.get(name), field));
  }
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => findSecrets(configuration, option));
  if (schema instanceof z.ZodArray) {
    return Array.isArray(configuration) ? configuration.flatMap((item) => findSecrets(item, schema.element)) : [];
  }
  if (schema instanceof z.ZodPipe) return findSecrets(configuration, schema.in);
  const isWrapper =
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return isWrapper ? findSecrets(configuration, schema.unwrap()) : [];
}

/** Lists the top-level options of a configuration. */
export function listOptions(schema: z.ZodType): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
