import { z } from 'zod';
import { type ConfiguredCatalog, type ConfiguredStream, configuredCatalogSchema } from '../../protocol/catalog.ts';
import { tryParseJson } from '../../shared/exact-json.ts';
import type { ProcessOwner } from '../../shared/process-owner.ts';
import { processOwnerSchema } from '../../shared/process-owner.ts';
import { runRecordName } from './file-names.ts';

/** Where the record is stored, next to the rejected rows. `put` rejects with a ConnectorError if the place can't be used. */
type RecordFiles = { put: (name: string, text: string) => Promise<void> };

const runRecordSchema = z.object({
  version: z.literal(1),
  owner: processOwnerSchema,
  /**
   * False until the run has ended and its output was read to the end. Before that, the caller may not have saved all states, so the
   * next run may read the rows again.
   */
  ended: z.boolean(),
  /** The catalog of the run. `retry` needs it to map the rows as the run did. */
  catalog: configuredCatalogSchema,
});

/** The record of a run that stored rejected rows. It is stored next to these rows, for `retry`. */
export type RunRecord = z.output<typeof runRecordSchema>;

/** Creates the record of a run that begins. */
export function createRunRecord(owner: ProcessOwner, catalog: ConfiguredCatalog): RunRecord {
  return { version: 1, owner, ended: false, catalog: { streams: catalog.streams.map(keepForMapping) } };
}

/** Parses the record of a run; returns undefined if it is unreadable, for example because a later version wrote it. */
export function parseRunRecord(text: string): RunRecord | undefined {
  return runRecordSchema.safeParse(tryParseJson(text)).data;
}

/** Stores the record of a run: before its first rejected row, and again when it has ended. */
export class RunRecordKeeper {
  readonly #files: RecordFiles;
  readonly #name: string;
  readonly #record: RunRecord;
  #begun: Promise<void> | undefined;

  constructor(files: RecordFiles, run: string, record: RunRecord) {
    this.#files = files;
    this.#name = runRecordName(run);
    this.#record = record;
  }

  /** Makes the record durable. Only the first call writes it. */
  begin(): Promise<void> {
    this.#begun ??= this.#put(this.#record);
    return this.#begun;
  }

  /** Records that the run has ended, if it has stored rows. */
  async end(): Promise<void> {
    if (this.#begun === undefined) return;
    await this.#put({ ...this.#record, ended: true });
  }

  #put(record: RunRecord): Promise<void> {
    return this.#files.put(this.#name, `${JSON.stringify(record)}\n`);
  }
}

/** Keeps the parts of a stream's description that the mapping uses. */
function keepForMapping({ stream, destination_object_name }: ConfiguredStream): ConfiguredStream {
  const { name, namespace, source_defined_cursor, default_cursor_field, json_schema } = stream;
  return {
    stream: {
      name,
      namespace,
      source_defined_cursor,
      default_cursor_field,
      json_schema: json_schema && { properties: json_schema.properties },
    },
    sync_mode: 'incremental',
    destination_object_name,
  };
}
