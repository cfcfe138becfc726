import { z } from 'zod';
import type { ConfiguredStream } from '../../protocol/catalog.ts';
import { suggestName } from '../../shared/suggest.ts';
import { EVENT_NAME, NAME_FORM } from '../batch/limits.ts';
import { destinationError } from '../errors.ts';
import {
  type Contradiction,
  DESTINATION_OBJECTS,
  type DestinationObject,
  EVENT_OPTIONS,
  EXCLUSIVE_OPTIONS,
  findContradictions,
  isNamedAfterStream,
  type Mapping,
  uncheckedMapping,
} from './mapping.ts';
import { strictOptions } from './options.ts';
import { type Policies, streamPolicies } from './policies.ts';

/** The options that a stream sets for itself, in place of the general options with the same names. */
const ownSettings = strictOptions({
  object: z.enum(DESTINATION_OBJECTS).optional().meta({
    title: 'Object',
    description:
      "What the rows become. profile_event: events of profiles. profile_attributes: attributes of profiles. A platform's destination_object_name takes precedence. Defaults to profile_event.",
    order: 0,
  }),
  mapping: uncheckedMapping.optional().meta({
    title: 'Mapping',
    description:
      'The options of the mapping that differ for this stream. For an option that is not set here, the general mapping applies. The defaults below are those of the general mapping.',
    order: 1,
  }),
  policies: streamPolicies
    .optional()
    .meta({ title: 'Policies', description: 'The policies that differ for this stream.', order: 2 }),
});

type OwnSettings = z.output<typeof ownSettings>;

/**
 * The options of individual streams, each under the name of the stream. Airbyte's form can't show an object with names that the
 * user chooses, so the option is hidden in it. The JSON Schema has no type: without one, the form keeps the value when it is saved,
 * and Airbyte's rule that an object has at least one property does not apply.
 */
export const streamsOption = z
  .record(z.string(), ownSettings)
  .default({})
  .meta({
    title: 'Settings per stream',
    description:
      'Options of individual streams, each under the name of the stream: the object that its rows become, a mapping, and policies. Each mapping or policy option overrides the general option with the same name, and general options that cannot be combined with it.',
    examples: [
      { orders: { mapping: { constant_event_name: 'purchase' } }, customers: { object: 'profile_attributes' } },
    ],
    airbyte_hidden: true,
    type: undefined,
    propertyNames: undefined,
    order: 16,
  });

/** The options that apply to one stream. */
export type StreamSettings = { mapping: Mapping; policies: Policies };

/** The general options, and those of individual streams. */
export type GeneralSettings = StreamSettings & { streams: Readonly<Record<string, OwnSettings>> };

/** Returns the options that the configuration sets for a stream itself. */
export function findOwnSettings({ streams }: Pick<GeneralSettings, 'streams'>, stream: string): OwnSettings {
  return (Object.hasOwn(streams, stream) ? streams[stream] : undefined) ?? {};
}

/**
 * Returns the object that the rows of a stream become: the one that the catalog names, otherwise the one in the configuration.
 *
 * @throws ConnectorError (config_error) if the catalog names an object that does not exist.
 */
export function resolveObject(
  configuration: Pick<GeneralSettings, 'streams'>,
  { stream, destination_object_name: name }: Pick<ConfiguredStream, 'stream' | 'destination_object_name'>,
): DestinationObject {
  if (name === undefined || name === null) return findOwnSettings(configuration, stream.name).object ?? 'profile_event';
  const object = DESTINATION_OBJECTS.find((known) => known === name);
  if (object !== undefined) return object;
  throw destinationError(
    'object_unknown',
    `The catalog sends the stream "${stream.name}" to the object "${name}" (destination_object_name), which does not exist. The objects are ${DESTINATION_OBJECTS.join(' and ')}. Refresh the destination's schema and choose one of them.`,
  );
}

/** Returns the options that apply to a stream: its own, and the general ones for the rest. */
export function resolveSettings(general: GeneralSettings, stream: string): StreamSettings {
  const own = findOwnSettings(general, stream);
  return {
    mapping: overrideMapping(general.mapping, own.mapping ?? {}),
    policies: { ...general.policies, ...own.policies },
  };
}

/**
 * Overrides the options of a mapping. An option also replaces the general options that exclude it: a stream with an
 * `event_name_column` does not have the general `constant_event_name`.
 */
function overrideMapping(general: Mapping, own: Mapping): Mapping {
  const replaced = EXCLUSIVE_OPTIONS.filter((group) => group.some((option) => own[option] !== undefined)).flat();
  const kept = { ...general };
  for (const option of replaced) delete kept[option];
  return { ...kept, ...own };
}

/** Finds contradictions in the options that apply to each stream, except for those that the general options already have. */
export function findStreamContradictions(general: GeneralSettings): (Contradiction & { stream: string })[] {
  const known = findContradictions(general.mapping);
  return Object.entries(general.streams).flatMap(([stream, own]) => {
    const { mapping } = resolveSettings(general, stream);
    const ofEvents =
      own.object === 'profile_attributes' ? findEventOptions(own) : findNameContradiction(mapping, stream);
    const errors = findContradictions(mapping, own.object)
      .filter(({ option, error }) => !known.some((other) => other.option === option && other.error === error))
      .map(({ option, error }) => ({
        option,
        error: `${error}. The mapping of this stream is the general mapping with the options under streams.${stream}`,
      }));
    return [...errors, ...ofEvents].map((found) => ({ ...found, stream }));
  });
}

function findNameContradiction(mapping: Mapping, stream: string): Contradiction[] {
  const error = findNameError(mapping, stream);
  return error === undefined ? [] : [{ option: 'event_name', error }];
}

/** Finds options that a stream of profile attributes sets, although they are about events. */
function findEventOptions({ mapping = {} }: OwnSettings): Contradiction[] {
  return EVENT_OPTIONS.flatMap((option) =>
    mapping[option] === undefined
      ? []
      : [{ option, error: 'is for events, but the rows of this stream become attributes of profiles. Remove it' }],
  );
}

/** Returns an error if the events of a stream have its name, but Batch does not accept the name for events. */
export function findNameError(mapping: Mapping, stream: string): string | undefined {
  if (!isNamedAfterStream(mapping) || EVENT_NAME.test(stream)) return undefined;
  return `the name of the stream "${stream}" is not an event name that Batch accepts: ${NAME_FORM}. Set constant_event_name or event_name_column in streams.${stream}.mapping, or read the rows from a view with another name`;
}

/** Returns a warning for each name under `streams` that is not among `names`, because its options have no effect. */
export function findUnknownStreams({ streams }: Pick<GeneralSettings, 'streams'>, names: readonly string[]): string[] {
  return Object.keys(streams).flatMap((stream) => {
    if (names.includes(stream)) return [];
    const near = suggestName(stream, names);
    return `The configuration has settings for the stream "${stream}" (under streams), but no such stream is read, so they have no effect. ${near === undefined ? 'Check the spelling of its name.' : `Did you mean "${near}"?`}`;
  });
}
