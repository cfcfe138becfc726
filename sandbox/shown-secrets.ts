import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import destinationSpecification from '../spec/destination-batch.json' with { type: 'json' };
import sourceSpecification from '../spec/source-clickhouse.json' with { type: 'json' };

/** Shorter ones stand in innocent words. */
const MIN_SECRET_LENGTH = 6;

/** The path of a configuration among the arguments, which may be quoted for a shell. */
const CONFIGURATION = /--(?:config|source|destination)'? '?([^'\s]+)/g;

/** The options that the printed specifications mark as secret, wherever they stand in them. */
const SECRET_OPTIONS = new Set([sourceSpecification, destinationSpecification].flatMap(listSecretOptions));

function listSecretOptions(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([name, below]) =>
    typeof below === 'object' && below !== null && 'airbyte_secret' in below ? [name] : listSecretOptions(below),
  );
}

/**
 * The secret options whose values stand in what a process printed, as they are or in JSON.
 *
 * @param args of the process, be it a shell; the secrets are those of the configurations that are named in them.
 */
export function findShownSecrets(args: readonly string[], printed: string): string[] {
  return findSecrets(listConfigurations(args)).flatMap(({ option, forms }) =>
    forms.some((form) => printed.includes(form)) ? [option] : [],
  );
}

/**
 * Looks for the secrets of a process in what it prints, whoever reads that and how slowly, or not at all.
 *
 * @param configurations the paths of the files that hold them.
 * @throws Error in the midst of reading, as there is nobody to hand it to: it ends a test run as an unhandled one.
 */
export function watchForSecrets(child: ChildProcess, configurations = listConfigurations(child.spawnargs)): void {
  const secrets = findSecrets(configurations);
  const longest = Math.max(0, ...secrets.flatMap(({ forms }) => forms.map(({ length }) => length)));
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null || longest === 0) continue;
    // To listen would have the stream flow, which is for its reader to say.
    const push = stream.push.bind(stream);
    let before = '';
    stream.push = (chunk, encoding) => {
      const printed = before + String(chunk ?? '');
      const shown = secrets.flatMap(({ option, forms }) =>
        forms.some((form) => printed.includes(form)) ? option : [],
      );
      if (shown.length > 0) throw new Error(`What ${child.spawnargs.join(' ')} printed holds its ${shown.join(', ')}.`);
      // A secret may lie across two pieces.
      before = printed.slice(-longest);
      return push(chunk, encoding);
    };
  }
}

/** A secret, and how it may look in what is printed: as it is, in JSON, in base64. */
type Secret = { option: string; forms: string[] };

function listConfigurations(args: readonly string[]): string[] {
  return [...args.join(' ').matchAll(CONFIGURATION)].flatMap(([, path]) => path ?? []);
}

function findSecrets(configurations: readonly string[]): Secret[] {
  return configurations
    .filter((path) => existsSync(path))
    .flatMap((path) => listSecretValues(parseJsonOrUndefined(readFileSync(path, 'utf8'))))
    .filter(([, secret]) => secret.length >= MIN_SECRET_LENGTH)
    .map(([option, secret]) => ({
      option,
      forms: [secret, JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('base64')],
    }));
}

function listSecretValues(value: unknown): [option: string, secret: string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, below]): [string, string][] =>
    typeof below === 'string' && SECRET_OPTIONS.has(name) ? [[name, below]] : listSecretValues(below),
  );
}

/** A test may have its reasons to give a configuration that is no JSON. */
function parseJsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
