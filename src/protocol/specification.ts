import { z } from 'zod';

/** The version of the protocol's schema that the messages follow. Platforms compare the major number alone. */
const PROTOCOL_VERSION = '0.18.0';

/**
 * What `spec` prints for a configuration schema: a JSON Schema (draft 7) of what a user may write, with the form
 * hints that stand in the schema's `meta` (title, order, examples, airbyte_secret).
 */
export function connectorSpecification(
  configuration: z.ZodType,
  details: { documentationUrl: string } & Record<string, unknown>,
): Record<string, unknown> {
  return {
    protocol_version: PROTOCOL_VERSION,
    ...details,
    // Open, as platforms put keys of their own into a configuration.
    connectionSpecification: { ...formOf(configuration), additionalProperties: true },
  };
}

const secretFieldsSchema = z.object({
  properties: z.record(z.string(), z.looseObject({ airbyte_secret: z.boolean().optional() })),
});

/** The values in a configuration of those fields that its schema marks as secret. */
export function secretsIn(configuration: Record<string, unknown>, schema: z.ZodType): string[] {
  const { properties } = secretFieldsSchema.parse(formOf(schema));
  return Object.entries(properties)
    .filter(([, field]) => field.airbyte_secret === true)
    .map(([name]) => configuration[name])
    .filter((value) => typeof value === 'string');
}

function formOf(configuration: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(configuration, { target: 'draft-7', io: 'input' });
}
