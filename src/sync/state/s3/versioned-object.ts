import type { Objects } from './objects.ts';

/** An object that is replaced only if it is still the version that this process read or wrote last. */
export class VersionedObject {
  readonly #objects: Objects;
  readonly #key: string;
  /** The ETag of the version that this process read or wrote last; undefined if there was no object. */
  #etag: string | undefined;
  /** The texts of the writes that failed since that version. The store may contain one of them, because a response can be lost. */
  readonly #maybeWritten = new Set<string>();

  constructor(objects: Objects, key: string) {
    this.#objects = objects;
    this.#key = key;
  }

  /** Reads the text; returns undefined if there is no object. @throws ConnectorError */
  async read(): Promise<string | undefined> {
    const found = await this.#objects.read(this.#key);
    this.#knows(found?.etag);
    return found?.text;
  }

  /**
   * Replaces the text. After a transient_error, the text may have been written; a later write takes that into account.
   *
   * @returns `changed` if another process has replaced the object. Nothing is written then.
   * @throws ConnectorError
   */
  async write(text: string): Promise<'written' | 'changed'> {
    const etag = this.#etag;
    this.#maybeWritten.add(text);
    const result = await this.#objects.write(
      this.#key,
      text,
      etag === undefined ? { kind: 'absent' } : { kind: 'unchanged', etag },
    );
    if (result.kind === 'written') {
      this.#knows(result.etag);
      return 'written';
    }
    const found = await this.#objects.read(this.#key);
    if (found === undefined || found.etag === etag || !this.#maybeWritten.has(found.text)) return 'changed';
    this.#knows(found.etag);
    return found.text === text ? 'written' : this.write(text);
  }

  #knows(etag: string | undefined): void {
    this.#etag = etag;
    this.#maybeWritten.clear();
  }
}
