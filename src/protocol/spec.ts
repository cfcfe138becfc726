import { z } from 'zod';

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
    connectionSpecification: { ...buildJsonSchema(configuration), additionalProperties: true },
  };
}

const fieldSchema = z.looseObject({
  airbyte_secret: z.boolean().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  oneOf: z.array(z.unknown()).optional(),
});

/**
 * Finds the strings in a configuration that its schema marks as secret, at any depth. If an option has variants (oneOf), this
 * includes the secrets of variants that are not selected: an old key is still a secret.
 *
 * @param configuration the configuration as written, because the schema drops the keys of variants that are not selected.
 */
export function findSecrets(configuration: unknown, schema: z.ZodType): string[] {
  return collectSecrets(configuration, buildJsonSchema(schema));
}

/** Lists the top-level options of a configuration. It avoids the JSON Schema, which takes milliseconds to build. */
export function listOptions(schema: z.ZodType): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function collectSecrets(value: unknown, schema: unknown): string[] {
  if (schema === undefined) return [];
  const field = fieldSchema.parse(schema);
  if (typeof value === 'string') return field.airbyte_secret === true ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => collectSecrets(item, field.items));
  if (typeof value !== 'object' || value === null) return [];
  const fields = new Map<string, unknown>(Object.entries(value));
  return [
    ...Object.entries(field.properties ?? {}).flatMap(([name, below]) => collectSecrets(fields.get(name), below)),
    ...(field.oneOf ?? []).flatMap((option) => collectSecrets(value, option)),
  ];
}

function buildJsonSchema(configuration: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(configuration, { target: 'draft-7', io: 'input' });
}
