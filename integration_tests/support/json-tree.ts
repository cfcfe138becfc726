/**
 * A JSON value as it is written. It shares no code with the parsers of the destination and of the sandbox, because it checks
 * them.
 */
export type Tree = null | boolean | string | NumberText | readonly Tree[] | ObjectTree;

/** A number by its characters. */
export class NumberText {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }
}

/** An object: of two equal keys the last one counts. `text` is its original text. */
export class ObjectTree {
  readonly entries: ReadonlyMap<string, Tree>;
  readonly text: string;

  constructor(entries: ReadonlyMap<string, Tree>, text: string) {
    this.entries = entries;
    this.text = text;
  }
}

/** @throws SyntaxError when the text isn't JSON. */
export function treeOf(text: string): Tree {
  const reader = new TreeReader(text);
  const tree = reader.value();
  reader.end();
  return tree;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;

class TreeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): Tree {
    this.#space();
    const tree = this.#bareValue();
    this.#space();
    return tree;
  }

  end(): void {
    if (this.#at < this.#text.length) this.#fail();
  }

  #bareValue(): Tree {
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(): ObjectTree {
    const start = this.#at;
    const entries = new Map<string, Tree>();
    this.#at += 1;
    this.#space();
    while (this.#text[this.#at] !== '}') {
      if (entries.size > 0) this.#eat(',');
      this.#space();
      const key = this.#string();
      this.#space();
      this.#eat(':');
      entries.set(key, this.value());
    }
    this.#at += 1;
    return new ObjectTree(entries, this.#text.slice(start, this.#at));
  }

  #array(): Tree[] {
    const items: Tree[] = [];
    this.#at += 1;
    this.#space();
    while (this.#text[this.#at] !== ']') {
      if (items.length > 0) this.#eat(',');
      items.push(this.value());
    }
    this.#at += 1;
    return items;
  }

  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') this.#fail();
    let end = this.#text.indexOf('"', start + 1);
    while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    if (end === -1) this.#fail();
    this.#at = end + 1;
    const literal = this.#text.slice(start, end + 1);
    // JSON.parse decodes escapes and rejects characters that a string may not contain.
    return JSON.parse(literal);
  }

  #isEscaped(place: number): boolean {
    let backslashes = 0;
    while (this.#text[place - 1 - backslashes] === '\\') backslashes += 1;
    return backslashes % 2 === 1;
  }

  #number(): NumberText {
    NUMBER.lastIndex = this.#at;
    const [digits] = NUMBER.exec(this.#text) ?? this.#fail();
    this.#at += digits.length;
    return new NumberText(digits);
  }

  #word<T extends Tree>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail();
    this.#at += word.length;
    return value;
  }

  #eat(mark: string): void {
    if (this.#text[this.#at] !== mark) this.#fail();
    this.#at += 1;
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    SPACE.exec(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #fail(): never {
    throw new SyntaxError(`No JSON at ${this.#at}: ${this.#text.slice(this.#at, this.#at + 20)}`);
  }
}

/** The exact value of a number, the same for all ways to write it. */
export function exactValue(digits: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(digits) ?? [];
  const mantissa = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = mantissa.replace(/0+$/, '');
  if (significant === '') return '0';
  const shift = mantissa.length - significant.length - fraction.length;
  return `${sign}${significant}e${BigInt(exponent) + BigInt(shift)}`;
}
