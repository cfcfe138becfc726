import { z } from 'zod';

/** Columns by name. Not a record of zod's, which drops a column that is called `__proto__`. */
export const columnsSchema = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'Invalid input: expected an object',
);

/**
 * The configured catalog that a platform hands to `read` and `write`. Only what the connectors use is checked; the
 * rest may be there, be null or be missing (platforms differ, and none of it is ours to judge).
 */
export const configuredCatalogSchema = z.looseObject({
  streams: z
    .array(
      z.looseObject({
        stream: z.looseObject({
          name: z.string(),
          namespace: z.string().nullish(),
          source_defined_cursor: z.boolean().nullish(),
          default_cursor_field: z.array(z.string()).nullish(),
          json_schema: z.looseObject({ properties: columnsSchema.nullish() }).nullish(),
        }),
        sync_mode: z.enum(['full_refresh', 'incremental']),
        destination_sync_mode: z.string().nullish(),
        /** Counts up with each refresh of the stream. */
        generation_id: z.int().nullish(),
        /** Data of older generations is to be removed; 0 keeps all. */
        minimum_generation_id: z.int().nullish(),
        /** The sync that this run is an attempt of. */
        sync_id: z.int().nullish(),
      }),
    )
    .superRefine((streams, context) => {
      const seen = new Set<string>();
      for (const [index, { stream }] of streams.entries()) {
        const key = streamKey(stream);
        // Its rows would be read and sent twice.
        if (seen.has(key))
          context.addIssue({
            code: 'custom',
            path: [index],
            message: `names the stream "${stream.name}" a second time`,
          });
        seen.add(key);
      }
    }),
});

export type ConfiguredCatalog = z.output<typeof configuredCatalogSchema>;
export type ConfiguredStream = ConfiguredCatalog['streams'][number];

/** A text that no other stream has: two streams may have one name, in two namespaces. */
export function streamKey({ name, namespace }: { name: string; namespace?: string | null | undefined }): string {
  return JSON.stringify([namespace ?? null, name]);
}
