/** What stands in the place of a secret. */
const MASK = '****';

/** Characters of a line of a longer secret from which on it is masked by itself. Shorter ones stand in innocent words. */
const TELLING_LINE = 12;

/**
 * Characters from which on a secret is masked where it occurs. To mask each "a" of a text would show that the secret is
 * "a", so of a text with a shorter secret nothing is shown.
 */
const TELLING_SECRET = 4;

/** Characters from which on a secret is masked in our own sentences, too: with a digit and another sign, none of their words is it. */
const UNLIKE_PROSE = 8;

/** What masks the secrets of a process. */
export type Redactor = {
  /** For text that comes from elsewhere: a server, a library, a file. */
  outside: (text: string) => string;
  /** For whole messages, as a second defence: masks what can't be a word of ours. */
  printed: (text: string) => string;
};

/**
 * Makes the functions that mask the given secrets in a text, in each form in which they travel: as they are, in JSON, in
 * a URL, and in an HTTP Basic header (whose base64 depends on what stands before the secret, hence the user names).
 * Of one that has several lines, as a key in PEM, each line is masked, too: line breaks are written in many ways.
 */
export function redactor(secrets: Iterable<string>, usernames: Iterable<string> = []): Redactor {
  const names = [...usernames];
  const all = [...secrets]
    .filter((secret) => secret !== '')
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      ...tellingLines(secret),
      encodeURIComponent(secret.toWellFormed()),
      base64(secret),
      ...names.map((username) => base64(`${username}:${secret}`)),
    ]);
  const forms = [...new Set(all)].sort((a, b) => b.length - a.length);
  const short = forms.filter((form) => form.length < TELLING_SECRET);
  const long = forms.filter((form) => form.length >= TELLING_SECRET);
  const unlikeProse = long.filter(isUnlikeProse);
  return {
    outside: (text) => (short.some((form) => text.includes(form)) ? MASK : masked(text, long)),
    printed: (text) => masked(text, unlikeProse),
  };
}

function masked(text: string, forms: readonly string[]): string {
  return forms.reduce((rest, form) => rest.replaceAll(form, MASK), text);
}

function isUnlikeProse(form: string): boolean {
  return form.length >= UNLIKE_PROSE && /\d/.test(form) && /\D/.test(form);
}

/** The lines of a secret that has several, without those that only say what it is (-----BEGIN …). */
function tellingLines(secret: string): string[] {
  const lines = secret.split(/\r?\n|\\n/).map((line) => line.trim());
  return lines.length === 1 ? [] : lines.filter((line) => line.length >= TELLING_LINE && !line.startsWith('-----'));
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
