import { createSlab, type Slab } from '../../byte-arena.ts';
import { NO_END, skipSpaces } from './json-bytes.ts';
import type { JsonCopier } from './json-copier.ts';

/** The maximum length of a string that is converted, in characters. */
const MAX_CHARACTERS = 5_000;
/** The maximum length of such a string in UTF-8, with the zero byte after it. */
const MAX_BYTES = MAX_CHARACTERS * 3 + 1;

/** Converts strings that contain JSON with a copier. */
export class TextConverter {
  readonly #copier: JsonCopier;
  #buffers: { source: Slab; target: Slab } | undefined;

  constructor(copier: JsonCopier) {
    this.#copier = copier;
  }

  /**
   * Converts a string that contains a JSON array or object. This is several times as fast as parsing it and converting its
   * values.
   *
   * @returns the JSON to send, an empty string if there is nothing to send, or undefined if the rules have to convert the string.
   */
  convert(text: string): string | undefined {
    if (text.length > MAX_CHARACTERS) return undefined;
    this.#buffers ??= { source: createSlab(MAX_BYTES), target: createSlab(MAX_BYTES) };
    const { source, target } = this.#buffers;
    const length = source.bytes.write(text);
    const isAscii = length === text.length;
    if (!isAscii && !text.isWellFormed()) return undefined;
    // A zero byte marks the end of the text, so that no value is read past it.
    source.bytes[length] = 0;
    const copier = this.#copier;
    copier.start(source.view, length, target, 0, 0);
    const end = copier.copyColumn('text', source.bytes, 0);
    if (end === NO_END || skipSpaces(source.bytes, end) !== length) return undefined;
    return target.bytes.toString(isAscii ? 'latin1' : 'utf8', 0, copier.to);
  }
}
