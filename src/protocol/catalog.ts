import { z } from 'zod';

/** Columns by name. z.record is not used, because it drops a column called `__proto__`. */
export const columnsSchema = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object',
);

/**
 * The configured catalog that a platform passes to `read` and `write`. Only the fields that the connectors use are checked. Many
 * of these fields may be missing or null, because platforms differ.
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
        /** One of the objects that the destination's `discover` lists. */
        destination_object_name: z.string().nullish(),
        /** Increases with each refresh of the stream. */
        generation_id: z.int().nullish(),
        /** The oldest generation whose data the platform wants to keep; 0 keeps all data. */
        minimum_generation_id: z.int().nullish(),
        /** The id of the sync that this run belongs to. */
        sync_id: z.int().nullish(),
      }),
    )
    .superRefine((streams, context) => {
      const seen = new Set<string>();
      for (const [index, { stream }] of streams.entries()) {
        const key = streamKey(stream);
        // The rows of a stream that is listed twice would be read and sent twice.
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

/** Returns a unique key for a stream. The name is not unique: streams in two namespaces may have the same name. */
export function streamKey({ name, namespace }: { name: string; namespace?: string | null | undefined }): string {
  return JSON.stringify([namespace ?? null, name]);
}
