import { createRedactor } from '../shared/redact.ts';

/**
 * The secrets of this process: those of all configurations that it has read. They are kept in one place, because every error and
 * log message must mask them until the process ends.
 */
const secrets = new Set<string>();
const usernames = new Set<string>();
let redactor = createRedactor([]);

/** Masks these values from now on. @param names user names that may precede a secret in an HTTP Basic header. */
export function registerSecrets(values: Iterable<string>, names: Iterable<string> = []): void {
  for (const value of values) secrets.add(value);
  for (const name of names) usernames.add(name);
  redactor = createRedactor(secrets, usernames);
}

/**
 * Masks the secrets in text from outside, such as a server, a library or the other connector. All text from outside must pass
 * through here before it becomes part of a message. Our own sentences must not pass through here: if a password is the word
 * "password", masking this word in our sentences would reveal it.
 */
export function redactForeign(text: string): string {
  return redactor.redactForeign(text);
}

/** Masks the secrets in a complete message, as a second safeguard. Secrets that may be ordinary words are not masked. */
export function redactMessage(text: string): string {
  return redactor.redactMessage(text);
}

/** Forgets all secrets. Only tests call it, because they share a process. */
export function forgetSecrets(): void {
  secrets.clear();
  usernames.clear();
  redactor = createRedactor([]);
}
