import type { ConfiguredCatalog } from '../../protocol/catalog.ts';
import { formatList } from '../../shared/format.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { findUnknownStreams } from '../config/streams.ts';

/** The maximum number of streams that a warning names. */
const MOST_NAMED = 3;

/**
 * Returns a warning for each setting in the catalog that can't be honored, because events can only be added to Batch, and for
 * each stream in the configuration that the catalog doesn't have.
 */
export function listCatalogWarnings(
  { streams }: ConfiguredCatalog,
  configuration: Pick<DestinationConfiguration, 'streams'>,
): string[] {
  return [
    ...findUnknownStreams(
      configuration,
      streams.map(({ stream }) => stream.name),
    ),
    ...streams.flatMap(({ stream, destination_sync_mode: mode }) =>
      mode == null || mode === 'append'
        ? []
        : [
            `The stream "${stream.name}" is configured as ${mode}, but events can only be added to profiles. It is treated as append.`,
          ],
    ),
    ...listRemovalWarnings(
      streams.filter(({ minimum_generation_id }) => (minimum_generation_id ?? 0) > 0).map(({ stream }) => stream.name),
    ),
  ];
}

/**
 * Returns a single warning for all streams whose earlier data the catalog asks to remove. A warning for each stream
 * would be too many, because PyAirbyte asks for removal with every write.
 */
function listRemovalWarnings(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const named = formatList(
    names.map((name) => `"${name}"`),
    MOST_NAMED,
  );
  return [
    `The catalog asks to remove the data of earlier generations of ${named} (minimum_generation_id). Events can't be removed from Batch, so they are kept. Rows that are sent again arrive a second time.`,
  ];
}
