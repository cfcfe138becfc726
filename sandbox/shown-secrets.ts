import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import destinationSpecification from '../spec/destination-batch.json' with { type: 'json' };
import sourceSpecification from '../spec/source-clickhouse.json' with { type: 'json' };

/** Shorter secrets would also be found in harmless words. */
const MIN_SECRET_LENGTH = 6;

/** The path of a configuration in the arguments, which may be quoted for a shell. */
const CONFIGURATION = /--(?:config|source|destination)'? '?([^'\s]+)/g;

/** The options that the specifications mark as secret, at any depth. */
const SECRET_OPTIONS = new Set([sourceSpecification, destinationSpecification].flatMap(listSecretOptions));

function listSecretOptions(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([name, below]) =>
    typeof below === 'object' && below !== null && 'airbyte_secret' in below ? [name] : listSecretOptions(below),
  );
}

/**
 * Lists the secret options whose values are in the output of a process, as they are or in JSON.
 *
 * @param args of the process or a shell; the secrets are those of the configurations that they name.
 */
export function findShownSecrets(args: readonly string[], printed: string): string[] {
  return findSecrets(listConfigurations(args)).flatMap(({ option, pattern }) =>
    pattern.test(printed) ? [option] : [],
  );
}

/**
 * Looks for the secrets of a process in its output, whether or not the output is read.
 *
 * @param configurations the paths of the files that contain them.
 * @throws Error inside the stream, where no caller can catch it: it ends a test run as an unhandled error.
 */
export function watchForSecrets(child: ChildProcess, configurations = listConfigurations(child.spawnargs)): void {
  const secrets = findSecrets(configurations);
  const longest = Math.max(0, ...secrets.map(({ length }) => length));
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null || longest === 0) continue;
    // A listener would start the stream, which its reader decides.
    const push = stream.push.bind(stream);
    let before = '';
    stream.push = (chunk, encoding) => {
      const printed = before + String(chunk ?? '');
      const shown = secrets.flatMap(({ option, pattern }) => (pattern.test(printed) ? option : []));
      if (shown.length > 0)
        throw new Error(`The output of ${child.spawnargs.join(' ')} contains its ${shown.join(', ')}.`);
      // A secret can be split between two chunks.
      before = printed.slice(-longest);
      return push(chunk, encoding);
    };
  }
}

/**
 * A secret, with a pattern of its forms in the output: as it is, in JSON, in base64. One pattern finds them in an eighth of the
 * time of three searches. `length` is that of the longest form.
 */
type Secret = { option: string; pattern: RegExp; length: number };

function listConfigurations(args: readonly string[]): string[] {
  return [...args.join(' ').matchAll(CONFIGURATION)].flatMap(([, path]) => path ?? []);
}

function findSecrets(configurations: readonly string[]): Secret[] {
  return configurations
    .filter((path) => existsSync(path))
    .flatMap((path) => listSecretValues(parseJsonOrUndefined(readFileSync(path, 'utf8'))))
    .filter(([, secret]) => secret.length >= MIN_SECRET_LENGTH)
    .map(([option, secret]) => {
      const forms = [secret, JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('base64')];
      const pattern = new RegExp(forms.map(escapePattern).join('|'));
      return { option, pattern, length: Math.max(...forms.map(({ length }) => length)) };
    });
}

/** A pattern that matches only this string. */
function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function listSecretValues(value: unknown): [option: string, secret: string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, below]): [string, string][] =>
    typeof below === 'string' && SECRET_OPTIONS.has(name) ? [[name, below]] : listSecretValues(below),
  );
}

/** A test may use a configuration that is not JSON on purpose. */
function parseJsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
