import { existsSync, readFileSync } from 'node:fs';
import destinationSpecification from '../spec/destination-batch.json' with { type: 'json' };
import sourceSpecification from '../spec/source-clickhouse.json' with { type: 'json' };

/** Shorter ones stand in innocent words. */
const TELLING_CHARACTERS = 6;

/** The path of a configuration among the arguments, which may be quoted for a shell. */
const CONFIGURATION = /--config'? '?([^'\s]+)/g;

/** The options that the printed specifications mark as secret, wherever they stand in them. */
const SECRET_OPTIONS = new Set([sourceSpecification, destinationSpecification].flatMap(secretOptionsIn));

function secretOptionsIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([name, below]) =>
    typeof below === 'object' && below !== null && 'airbyte_secret' in below ? [name] : secretOptionsIn(below),
  );
}

/**
 * The secret options whose values stand in what a process printed, as they are or in JSON.
 *
 * @param args of the process, be it a shell; the secrets are those of the configurations that are named in them.
 */
export function secretsShown(args: readonly string[], printed: string): string[] {
  const paths = [...args.join(' ').matchAll(CONFIGURATION)].flatMap(([, path]) => path ?? []);
  const secrets = paths.filter(existsSync).flatMap((path) => secretsIn(parsed(readFileSync(path, 'utf8'))));
  return secrets.flatMap(([option, secret]) => {
    const forms = [secret, JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('base64')];
    return secret.length >= TELLING_CHARACTERS && forms.some((form) => printed.includes(form)) ? [option] : [];
  });
}

function secretsIn(value: unknown): [option: string, secret: string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, below]): [string, string][] =>
    typeof below === 'string' && SECRET_OPTIONS.has(name) ? [[name, below]] : secretsIn(below),
  );
}

/** A test may have its reasons to give a configuration that is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
