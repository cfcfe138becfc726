import { createRedactor } from '../shared/redact.ts';

/**
 * The secrets of this process. Its configurations are read before anything else happens, and what they hold as secret is
 * secret until the process ends, whatever failure or log it would get into: so there is one place for all of it.
 */
const secrets = new Set<string>();
const usernames = new Set<string>();
let redactor = createRedactor([]);

/** From now on these are masked. @param names users whose names an HTTP Basic header may have before a secret. */
export function registerSecrets(values: Iterable<string>, names: Iterable<string> = []): void {
  for (const value of values) secrets.add(value);
  for (const name of names) usernames.add(name);
  redactor = createRedactor(secrets, usernames);
}

/**
 * Text that comes from elsewhere (a server, a library, the other connector), without the secrets in it. All such text goes
 * through here before it gets into a sentence of ours. A sentence itself does not: with a secret such as "password" masked
 * in it, everybody could read the secret.
 */
export function redactForeign(text: string): string {
  return redactor.redactForeign(text);
}

/** A whole message as it may be printed: secrets that are none of our words are masked once more. */
export function redactMessage(text: string): string {
  return redactor.redactMessage(text);
}

/** For tests, which share a process. */
export function forgetSecrets(): void {
  secrets.clear();
  usernames.clear();
  redactor = createRedactor([]);
}
