const MASK = '****';

/** Characters of a line of a longer secret from which on it is masked by itself. Shorter ones stand in innocent words. */
const TELLING_LINE = 12;

/**
 * Makes a function that masks the given secrets in a text, in each form in which they travel: as they are, in JSON, in
 * a URL, and in an HTTP Basic header (whose base64 depends on what stands before the secret, hence the user names).
 * Of one that has several lines, as a key in PEM, each line is masked, too: line breaks are written in many ways.
 */
export function redactor(secrets: readonly string[], usernames: readonly string[] = []): (text: string) => string {
  const forms = secrets
    .filter((secret) => secret !== '')
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      ...tellingLines(secret),
      encodeURIComponent(secret.toWellFormed()),
      base64(secret),
      ...usernames.map((username) => base64(`${username}:${secret}`)),
    ])
    .sort((a, b) => b.length - a.length);
  return (text) => forms.reduce((masked, form) => masked.replaceAll(form, MASK), text);
}

/** The lines of a secret that has several, without those that only say what it is (-----BEGIN …). */
function tellingLines(secret: string): string[] {
  const lines = secret.split(/\r?\n|\\n/).map((line) => line.trim());
  return lines.length === 1 ? [] : lines.filter((line) => line.length >= TELLING_LINE && !line.startsWith('-----'));
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
