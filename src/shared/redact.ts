/** The text that replaces a secret. */
const MASK = '****';

/** A line of a multi-line secret is masked if it has at least this many characters. A shorter line may also be ordinary text. */
const MIN_LINE_LENGTH = 12;

/**
 * A secret with at least this many characters is masked where it occurs. A string that contains a shorter secret is masked as a
 * whole: if the secret is "a", masking only the letter "a" would reveal it.
 */
const MIN_SECRET_LENGTH = 4;

/**
 * A secret with at least this many characters, including a digit and a non-digit, is also masked in our own messages, because it
 * can't be an ordinary word.
 */
const MIN_DISTINCT_LENGTH = 8;

/** The functions that mask the secrets of a process. */
export type Redactor = {
  /** Masks the secrets in text from outside, such as a server, a library or a file. */
  redactForeign: (text: string) => string;
  /** Masks the secrets in a complete message, as a second safeguard. Secrets that may be ordinary words are not masked. */
  redactMessage: (text: string) => string;
};

/**
 * Creates functions that mask secrets in every form in which they are sent: unchanged, escaped in JSON, percent-encoded in a URL,
 * in Base64, and in Base64 after a user name, as in an HTTP Basic header. The lines of a multi-line secret, such as a PEM key, are
 * also masked one by one, because its line breaks may be written in several ways.
 */
export function createRedactor(secrets: Iterable<string>, usernames: Iterable<string> = []): Redactor {
  const names = [...usernames];
  const all = [...secrets]
    .filter((secret) => secret !== '')
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      ...splitLongLines(secret),
      encodeURIComponent(secret.toWellFormed()),
      toBase64(secret),
      ...names.map((username) => toBase64(`${username}:${secret}`)),
    ]);
  const forms = [...new Set(all)].sort((a, b) => b.length - a.length);
  const short = forms.filter((form) => form.length < MIN_SECRET_LENGTH);
  const long = forms.filter((form) => form.length >= MIN_SECRET_LENGTH);
  const distinct = long.filter(isDistinct);
  return {
    redactForeign: (text) => (short.some((form) => text.includes(form)) ? MASK : mask(text, long)),
    redactMessage: (text) => mask(text, distinct),
  };
}

function mask(text: string, forms: readonly string[]): string {
  return forms.reduce((rest, form) => rest.replaceAll(form, MASK), text);
}

function isDistinct(form: string): boolean {
  return form.length >= MIN_DISTINCT_LENGTH && /\d/.test(form) && /\D/.test(form);
}

/** Returns the longer lines of a multi-line secret, without lines such as -----BEGIN PRIVATE KEY-----. */
function splitLongLines(secret: string): string[] {
  const lines = secret.split(/\r?\n|\\n/).map((line) => line.trim());
  return lines.length === 1 ? [] : lines.filter((line) => line.length >= MIN_LINE_LENGTH && !line.startsWith('-----'));
}

function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
