import type { S3Options } from '../config/rejection.ts';
import { Bucket, explainMissingConditions, type ObjectVersion } from '../rejected/bucket.ts';
import { parseRowFileName } from '../rejected/file-names.ts';
import type { JournalPlace, JournalVersion, OwnedJournal } from './journal.ts';
import { RETRY_TEXTS, type RetryPlace } from './place.ts';

/** The object with the newest record of the journal. */
const JOURNAL_NAME = '.retry.json';

/** An ETag that no object has. */
const OTHER_ETAG = '"00000000000000000000000000000000"';

/** The end of the name of a numbered object. */
const NUMBER_AND_EXTENSION = /-\d+\.ndjson$/;

/**
 * Opens the bucket of rejected rows for a retry.
 *
 * @param retryTimeMs how long a request is retried while the store is unreachable, in milliseconds.
 */
export async function openBucketPlace(options: S3Options, retryTimeMs: number): Promise<RetryPlace> {
  const bucket = await Bucket.open(options, retryTimeMs, RETRY_TEXTS);
  return {
    files: bucket,
    journal: new BucketJournal(bucket),
    locate: (name) => bucket.urlOf(name),
    rollBack: (run, position) => rollBack(bucket, run, position),
    close: () => bucket.close(),
  };
}

async function rollBack(bucket: Bucket, run: string, position: Readonly<Record<string, number>>): Promise<void> {
  for (const { name } of await bucket.list()) {
    const parsed = parseRowFileName(name);
    if (parsed?.run !== run) continue;
    const valid = position[name.replace(NUMBER_AND_EXTENSION, '')] ?? 0;
    if (parsed.number > valid) await bucket.remove(name);
  }
}

/** A journal in one object. Each record replaces the one before, on the condition that no other process has replaced it. */
class BucketJournal implements JournalPlace {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async read(): Promise<JournalVersion | undefined> {
    const version = await this.#bucket.readVersion(JOURNAL_NAME);
    return version && { text: version.text, token: version.etag };
  }

  async take(
    version: JournalVersion | undefined,
    createText: (last: string | undefined) => string,
  ): Promise<OwnedJournal | undefined> {
    const first = await this.#bucket.replace(JOURNAL_NAME, createText(version?.text), version?.token);
    if (first === undefined) return undefined;
    // A store that ignores conditions would also accept a write with a wrong ETag.
    if ((await this.#bucket.replace(JOURNAL_NAME, `${first.text} `, OTHER_ETAG)) !== undefined) {
      throw explainMissingConditions();
    }
    return new OwnedObject(this.#bucket, first);
  }
}

class OwnedObject implements OwnedJournal {
  readonly #bucket: Bucket;
  #version: ObjectVersion;

  constructor(bucket: Bucket, version: ObjectVersion) {
    this.#bucket = bucket;
    this.#version = version;
  }

  async write(text: string): Promise<boolean> {
    const version = await this.#bucket.replace(JOURNAL_NAME, text, this.#version.etag);
    if (version !== undefined) this.#version = version;
    return version !== undefined;
  }

  /** Keeps the object, because removing it could remove the record of the next owner. */
  async close(): Promise<void> {}
}
