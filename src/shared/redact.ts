/** What stands in the place of a secret. */
const MASK = '****';

/** Characters of a line of a longer secret from which on it is masked by itself. Shorter ones stand in innocent words. */
const MIN_LINE_LENGTH = 12;

/**
 * Characters from which on a secret is masked where it occurs. To mask each "a" of a text would show that the secret is
 * "a", so of a text with a shorter secret nothing is shown.
 */
const MIN_SECRET_LENGTH = 4;

/** Characters from which on a secret is masked in our own sentences, too: with a digit and another sign, none of their words is it. */
const MIN_DISTINCT_LENGTH = 8;

/** What masks the secrets of a process. */
export type Redactor = {
  /** For text that comes from elsewhere: a server, a library, a file. */
  redactForeign: (text: string) => string;
  /** For whole messages, as a second defence: masks what can't be a word of ours. */
  redactMessage: (text: string) => string;
};

/**
 * Makes the functions that mask the given secrets in a text, in each form in which they travel: as they are, in JSON, in
 * a URL, and in an HTTP Basic header (whose base64 depends on what stands before the secret, hence the user names).
 * Of one that has several lines, as a key in PEM, each line is masked, too: line breaks are written in many ways.
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
  const unlikeProse = long.filter(isUnlikeProse);
  return {
    redactForeign: (text) => (short.some((form) => text.includes(form)) ? MASK : mask(text, long)),
    redactMessage: (text) => mask(text, unlikeProse),
  };
}

function mask(text: string, forms: readonly string[]): string {
  return forms.reduce((rest, form) => rest.replaceAll(form, MASK), text);
}

function isUnlikeProse(form: string): boolean {
  return form.length >= MIN_DISTINCT_LENGTH && /\d/.test(form) && /\D/.test(form);
}

/** The lines of a secret that has several, without those that only say what it is (-----BEGIN …). */
function splitLongLines(secret: string): string[] {
  const lines = secret.split(/\r?\n|\\n/).map((line) => line.trim());
  return lines.length === 1 ? [] : lines.filter((line) => line.length >= MIN_LINE_LENGTH && !line.startsWith('-----'));
}

function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
