/** Replaces a secret. */
const MASK = '****';

/** Lines of a longer secret are masked if they have at least this many characters. Shorter ones can be part of ordinary words. */
const MIN_LINE_LENGTH = 12;

/**
 * Secrets with at least this many characters are masked where they occur. Masking every "a" would reveal that the secret is
 * "a", so a text that contains a shorter secret is masked as a whole.
 */
const MIN_SECRET_LENGTH = 4;

/** Secrets with at least this many characters, a digit and another character are masked in our own messages, too: no word looks like that. */
const MIN_DISTINCT_LENGTH = 8;

/** Masks the secrets of a process. */
export type Redactor = {
  /** For text from elsewhere: a server, a library, a file. */
  redactForeign: (text: string) => string;
  /** For whole messages, as a second defence: masks only secrets that can't be words of the message. */
  redactMessage: (text: string) => string;
};

/**
 * Creates functions that mask secrets in each form in which they are sent: unchanged, in JSON, in a URL, and in an HTTP
 * Basic header (whose base64 depends on the user name before the secret). Each line of a secret with several lines, such as
 * a key in PEM, is masked, too, because line breaks are written in many ways.
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

/** The longer lines of a secret with several lines, without -----BEGIN and the like. */
function splitLongLines(secret: string): string[] {
  const lines = secret.split(/\r?\n|\\n/).map((line) => line.trim());
  return lines.length === 1 ? [] : lines.filter((line) => line.length >= MIN_LINE_LENGTH && !line.startsWith('-----'));
}

function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
