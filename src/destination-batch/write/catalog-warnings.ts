import type { ConfiguredCatalog, ConfiguredStream } from '../../protocol/catalog.ts';
import { formatList } from '../../shared/format.ts';
import type { DestinationObject } from '../config/mapping.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { findUnknownStreams, resolveObject } from '../config/streams.ts';

/** The maximum number of streams that a warning names. */
const MOST_NAMED = 3;

/** The sync modes that each object supports. Any other mode is treated as the last one in the list. */
const MODES: Record<DestinationObject, { modes: readonly string[]; why: string }> = {
  profile_event: { modes: ['append'], why: 'events can only be added to profiles' },
  profile_attributes: {
    modes: ['append', 'append_dedup'],
    why: "attributes of profiles can only be set, and Batch creates the profiles that don't exist",
  },
};

/**
 * Returns warnings about settings in the catalog that can't be honoured, because Batch can't do what they ask for, and about
 * streams in the configuration that the catalog doesn't have.
 */
export function listCatalogWarnings(
  { streams }: ConfiguredCatalog,
  configuration: Pick<DestinationConfiguration, 'streams'>,
): string[] {
  const removing = streams.filter(({ minimum_generation_id }) => (minimum_generation_id ?? 0) > 0);
  const removingFrom = (object: DestinationObject): string[] =>
    removing.filter((stream) => resolveObject(configuration, stream) === object).map(({ stream }) => stream.name);
  return [
    ...findUnknownStreams(
      configuration,
      streams.map(({ stream }) => stream.name),
    ),
    ...streams.flatMap((stream) => listModeWarnings(stream, resolveObject(configuration, stream))),
    ...listRemovalWarnings(
      removingFrom('profile_event'),
      "Events can't be removed from Batch, so they are kept. Rows that are sent again arrive a second time.",
    ),
    ...listRemovalWarnings(
      removingFrom('profile_attributes'),
      "Profiles can't be removed from Batch, so they keep the attributes that no row sets.",
    ),
  ];
}

function listModeWarnings(
  { stream, destination_sync_mode: mode }: ConfiguredStream,
  object: DestinationObject,
): string[] {
  const { modes, why } = MODES[object];
  if (mode == null || modes.includes(mode)) return [];
  return [`The stream "${stream.name}" is configured as ${mode}, but ${why}. It is treated as ${modes.at(-1)}.`];
}

/**
 * Returns a single warning for all streams whose earlier data the catalog asks to remove. A warning for each stream
 * would be too many, because PyAirbyte asks for removal with every write.
 */
function listRemovalWarnings(names: readonly string[], consequence: string): string[] {
  if (names.length === 0) return [];
  const named = formatList(
    names.map((name) => `"${name}"`),
    MOST_NAMED,
  );
  return [
    `The catalog asks to remove the data of earlier generations of ${named} (minimum_generation_id). ${consequence}`,
  ];
}
