import { resolveRoleColumns } from '../destination-batch/config/mapping.ts';
import { type DestinationConfiguration, destinationConfigurationSchema } from '../destination-batch/config/schema.ts';
import { findUnknownStreams, resolveObject, resolveSettings } from '../destination-batch/config/streams.ts';
import { findMappingErrors } from '../destination-batch/mapping/mapping-check.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import { type GivenConfiguration, readConfiguration } from '../protocol/configuration/configuration.ts';
import { ConnectorError } from '../protocol/errors.ts';
import type { StreamUse } from '../source-clickhouse/schema/required-columns.ts';

/** What a destination does with the streams of a source. */
export class StreamUses {
  readonly #configuration: DestinationConfiguration;

  constructor(configuration: DestinationConfiguration) {
    this.#configuration = configuration;
  }

  /** Reads a configuration of the destination. Returns undefined if it is invalid; the destination's own check reports why. */
  static async tryRead(
    { environment }: Pick<CommandContext, 'environment'>,
    given: GivenConfiguration,
  ): Promise<StreamUses | undefined> {
    const output = { write: async (): Promise<void> => {} };
    const context = environment === undefined ? { output } : { output, environment };
    try {
      return new StreamUses(await readConfiguration(given, destinationConfigurationSchema, context));
    } catch (error) {
      if (error instanceof ConnectorError) return undefined;
      throw error;
    }
  }

  /** Finds what the destination does with the rows of a stream. */
  find(stream: string): StreamUse {
    const columns = resolveRoleColumns(resolveSettings(this.#configuration, stream).mapping);
    return resolveObject(this.#configuration, { stream: { name: stream } }) === 'profile_attributes'
      ? { ...columns, kind: 'profile', eventName: undefined }
      : { ...columns, kind: 'event' };
  }

  /** Returns why `write` would fail, as far as it can be known from the names of the streams. */
  findErrors(names: readonly string[]): string[] {
    const streams = names.map((name) => ({
      name,
      settings: resolveSettings(this.#configuration, name),
      object: resolveObject(this.#configuration, { stream: { name } }),
      cursorColumn: undefined,
      columns: undefined,
    }));
    return findMappingErrors(this.#configuration, streams);
  }

  /** Returns a warning for each stream that has settings, but is not among `names`. */
  findUnknown(names: readonly string[]): string[] {
    return findUnknownStreams(this.#configuration, names);
  }
}
