const MASK = '****';

/**
 * Makes a function that masks the given secrets in a text, in each form in which they travel: as they are, in a URL,
 * and in an HTTP Basic header (whose base64 depends on what stands before the secret, hence the user names).
 */
export function redactor(secrets: readonly string[], usernames: readonly string[] = []): (text: string) => string {
  const forms = secrets
    .filter((secret) => secret !== '')
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret.toWellFormed()),
      base64(secret),
      ...usernames.map((username) => base64(`${username}:${secret}`)),
    ])
    .sort((a, b) => b.length - a.length);
  return (text) => forms.reduce((masked, form) => masked.replaceAll(form, MASK), text);
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
