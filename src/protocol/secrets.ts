import { createRedactor } from '../shared/redact.ts';

/**
 * The secrets of this process. Its configurations are read before anything else, and their secrets stay secret until the process
 * ends, in every error and log. So there is one place for all of them.
 */
const secrets = new Set<string>();
const usernames = new Set<string>();
let redactor = createRedactor([]);

/** Masks these values from now on. @param names user names that an HTTP Basic header may have before a secret. */
export function registerSecrets(values: Iterable<string>, names: Iterable<string> = []): void {
  for (const value of values) secrets.add(value);
  for (const name of names) usernames.add(name);
  redactor = createRedactor(secrets, usernames);
}

/**
 * Masks the secrets in text from elsewhere (a server, a library, the other connector). All such text goes through here before it
 * becomes part of a message of ours. Our own sentences don't: a masked word such as "password" would reveal the secret.
 */
export function redactForeign(text: string): string {
  return redactor.redactForeign(text);
}

/** Masks secrets in a whole message once more, except those that may be words of ours. */
export function redactMessage(text: string): string {
  return redactor.redactMessage(text);
}

/** For tests, which share a process. */
export function forgetSecrets(): void {
  secrets.clear();
  usernames.clear();
  redactor = createRedactor([]);
}
