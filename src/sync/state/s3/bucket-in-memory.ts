import { createHash } from 'node:crypto';
import { syncError } from '../../../runner/errors.ts';
import type { Objects, StoredObject, WriteCondition, WriteResult } from './objects.ts';

type Content = { text: string; etag: string; writtenAt: number };

/** A bucket for tests. It can simulate the faults of a network and of a store. */
export class BucketInMemory implements Objects {
  readonly #contents: Map<string, Content>;
  #responsesToLose = 0;
  /** Whether every request fails. */
  isDown = false;
  /** Whether requests get no response, and fail after the maximum time for a request. */
  hangs = false;
  /** The kind of condition that the store ignores. */
  ignored: WriteCondition['kind'] | undefined;
  /** The number of writes that were not refused. */
  writes = 0;

  /** @param same a bucket whose contents the new one shares. The faults are not shared. */
  constructor(same?: BucketInMemory) {
    this.#contents = same === undefined ? new Map() : same.#contents;
  }

  /** Makes the next `count` writes fail after they have happened. */
  loseResponses(count: number): void {
    this.#responsesToLose = count;
  }

  /** Replaces an object, as another process would. */
  put(key: string, text: string): void {
    const etag = `"${createHash('md5').update(text).digest('hex')}"`;
    this.#contents.set(key, { text, etag, writtenAt: Date.now() });
  }

  remove(key: string): void {
    this.#contents.delete(key);
  }

  textOf(key: string): string {
    return this.#contents.get(key)?.text ?? '';
  }

  async read(key: string): Promise<StoredObject | undefined> {
    await this.#failIfDown();
    const content = this.#contents.get(key);
    return content && { text: content.text, etag: content.etag, ageMs: Date.now() - content.writtenAt };
  }

  async write(key: string, text: string, condition: WriteCondition): Promise<WriteResult> {
    await this.#failIfDown();
    const before = this.#contents.get(key)?.etag;
    const isMet = condition.kind === 'absent' ? before === undefined : before === condition.etag;
    if (!isMet && this.ignored !== condition.kind) return { kind: 'refused' };
    this.put(key, text);
    this.writes += 1;
    if (this.#responsesToLose > 0) {
      this.#responsesToLose -= 1;
      throw syncError('state_store_unreachable', 'The response was lost.');
    }
    return { kind: 'written', etag: this.#contents.get(key)?.etag ?? '' };
  }

  async #failIfDown(): Promise<void> {
    if (this.hangs) {
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      throw syncError('state_store_unreachable', 'There was no response in time.');
    }
    if (this.isDown) throw syncError('state_store_unreachable', 'The store is down.');
  }
}
