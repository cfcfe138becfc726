import { z } from 'zod';

/** Columns by name. Not z.record, which drops a column that is called `__proto__`. */
export const columnsSchema = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object',
);

/**
 * The configured catalog that a platform passes to `read` and `write`. Only the fields that the connectors use are checked. The
 * others may be missing or null, as platforms differ.
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
        /** Increases with each refresh of the stream. */
        generation_id: z.int().nullish(),
        /** The platform wants data of older generations removed; 0 keeps all. */
        minimum_generation_id: z.int().nullish(),
        /** The sync that this run belongs to. */
        sync_id: z.int().nullish(),
      }),
    )
    .superRefine((streams, context) => {
      const seen = new Set<string>();
      for (const [index, { stream }] of streams.entries()) {
        const key = streamKey(stream);
        // Otherwise its rows would be read and sent twice.
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

/** A unique key of a stream: streams in two namespaces may have the same name. */
export function streamKey({ name, namespace }: { name: string; namespace?: string | null | undefined }): string {
  return JSON.stringify([namespace ?? null, name]);
}
