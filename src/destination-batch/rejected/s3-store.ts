import type { Bucket } from './bucket.ts';
import { createStreamNames } from './file-names.ts';
import type { RejectedRowStore } from './rejected-rows.ts';
import { type RunRecord, RunRecordKeeper } from './run-record.ts';

/** The number of digits in the number of an object. */
const NUMBER_DIGITS = 6;

/** The objects of one stream. */
type StreamObjects = {
  /** The beginning of the names of all these objects. */
  base: string;
  /** The number of objects with confirmed rows. */
  confirmed: number;
  /** The number of objects that were created for unconfirmed rows, including those that were removed since. */
  spilled: number;
  /** The names of the objects of each unconfirmed piece. */
  pieces: Map<string, string[]>;
};

/**
 * Stores rejected rows in an S3-compatible store. It creates an object each time that a state requires rows to be
 * durable: `PATH/STREAM/START-RANDOM-NUMBER.ndjson`. Unconfirmed rows are in objects with `.unconfirmed-` in their
 * name. The store never writes to an object of another run.
 */
export class S3Store implements RejectedRowStore {
  readonly run: string;
  readonly #bucket: Bucket;
  readonly #record: RunRecordKeeper;
  readonly #nameOf = createStreamNames();
  readonly #streams = new Map<string, StreamObjects>();

  /** @param run the name of this run. */
  constructor(bucket: Bucket, run: string, record: RunRecord) {
    this.#bucket = bucket;
    this.run = run;
    this.#record = new RunRecordKeeper(bucket, run, record);
  }

  async checkWritable(): Promise<void> {
    const name = `.probe-${this.run}`;
    await this.#bucket.put(name, '{}\n');
    await this.#bucket.remove(name);
  }

  async spill(stream: string, piece: string, lines: string): Promise<void> {
    await this.#record.begin();
    const objects = this.#objectsOf(stream);
    objects.spilled += 1;
    const name = `${objects.base}.unconfirmed-${objects.spilled}.ndjson`;
    await this.#bucket.put(name, lines);
    objects.pieces.set(piece, [...(objects.pieces.get(piece) ?? []), name]);
  }

  async confirm(stream: string, pieces: readonly string[], lines: string): Promise<void> {
    await this.#record.begin();
    const objects = this.#objectsOf(stream);
    for (const piece of pieces) {
      for (const name of objects.pieces.get(piece) ?? []) {
        await this.#bucket.copy(name, nextConfirmedName(objects));
        await this.#bucket.remove(name);
      }
      objects.pieces.delete(piece);
    }
    if (lines !== '') await this.#bucket.put(nextConfirmedName(objects), lines);
  }

  locations(): { confirmed: string[]; unconfirmed: string[] } {
    const streams = [...this.#streams.values()];
    return {
      confirmed: streams.flatMap(({ base, confirmed }) =>
        confirmed === 0 ? [] : [this.#bucket.urlOf(`${base}-*.ndjson`)],
      ),
      unconfirmed: streams.flatMap(({ pieces }) => [...pieces.values()].flat().map((name) => this.#bucket.urlOf(name))),
    };
  }

  position(): Record<string, number> {
    return Object.fromEntries([...this.#streams.values()].map(({ base, confirmed }) => [base, confirmed]));
  }

  async close(hasEnded: boolean): Promise<void> {
    try {
      if (hasEnded) await this.#record.end();
    } finally {
      this.#bucket.close();
    }
  }

  #objectsOf(stream: string): StreamObjects {
    let objects = this.#streams.get(stream);
    if (objects === undefined) {
      objects = { base: `${this.#nameOf(stream)}/${this.run}`, confirmed: 0, spilled: 0, pieces: new Map() };
      this.#streams.set(stream, objects);
    }
    return objects;
  }
}

/**
 * Returns the name of the next confirmed object. The objects are numbered, so their names sort in the order of the rows.
 */
function nextConfirmedName(objects: StreamObjects): string {
  objects.confirmed += 1;
  return `${objects.base}-${String(objects.confirmed).padStart(NUMBER_DIGITS, '0')}.ndjson`;
}
