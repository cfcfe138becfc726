import { z } from 'zod';
import { isJsonObject } from '../shared/exact-json.ts';

/** The version of the Airbyte protocol that the messages follow. Platforms compare only the major version. */
const PROTOCOL_VERSION = '0.18.0';

/**
 * Builds the specification that `spec` prints. It contains a JSON Schema (draft 7) of the configuration as the user writes it,
 * with the hints for forms from the schema's `meta` (title, order, examples, airbyte_secret).
 */
export function buildSpecification(
  configuration: z.ZodType,
  details: { documentationUrl: string } & Record<string, unknown>,
): Record<string, unknown> {
  return {
    protocol_version: PROTOCOL_VERSION,
    ...details,
    // Unknown options are allowed, because platforms add their own keys to a configuration.
    connectionSpecification: {
      ...z.toJSONSchema(configuration, { target: 'draft-7', io: 'input' }),
      additionalProperties: true,
    },
  };
}

/**
 * Finds the strings in a configuration that its schema marks as secret, at any depth. If an option has variants, this includes the
 * secrets of variants that are not selected: an old key is still a secret. Every command calls it at its start, so it avoids the
 * JSON Schema, which takes milliseconds to build.
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
