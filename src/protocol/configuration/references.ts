import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { describeSystemError, protocolError } from '../errors.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A configuration after its references were replaced, and the values that replaced them, which are secrets. */
export type Resolved = { value: unknown; fromReferences: string[] };

/** What a reference refers to, or what is wrong with it. */
type Content = { kind: 'found'; text: string } | { kind: 'problem'; problem: string };

/**
 * Matches `$${` (a literal `${`), a reference such as `${NAME}` or `${file:/run/secrets/key}`, or a `${` that doesn't begin a
 * reference.
 */
const REFERENCE = /\$\$\{|\$\{file:([^}]*)\}|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g;

/**
 * The maximum size of a file that a reference names, in bytes. A larger file can't be a secret: even a chain of certificates has
 * only 10 KB.
 */
const MAX_FILE_BYTES = 1024 * 1024;

const NO_REFERENCE =
  'contains ${ without a name: for an environment variable use ${NAME}, for a file ${file:/PATH}, for a literal ${ use $${';

const ADVICE_FOR_VARIABLES = 'Set each variable in the environment of this command, for example with export NAME=…';
const ADVICE_FOR_FILES = 'Check the path of each file, and that the user of this command can read it';

/**
 * Replaces each `${NAME}` in the strings of a configuration with the environment variable NAME, and each `${file:PATH}` with the
 * content of a file, without a line break at its end. So the configuration need not contain secrets. `$${` becomes a literal `${`.
 *
 * @param path the path of the configuration file, for messages.
 * @throws ConnectorError (config_error) that names the options, variables and files, but no value.
 */
export function resolveReferences(value: unknown, environment: Environment, path: string): Resolved {
  const fromReferences: string[] = [];
  const problems: string[] = [];
  const advice = new Set<string>();

  const resolveText = (text: string, option: string): string =>
    text.replaceAll(REFERENCE, (found, file: string | undefined, name: string | undefined) => {
      if (found === '$${') return '${';
      if (file === undefined && name === undefined) {
        problems.push(`${option} ${NO_REFERENCE}`);
        return found;
      }
      const content = name === undefined ? readReferredFile(file ?? '') : readVariable(name, environment);
      if (content.kind === 'problem') {
        problems.push(`${option} refers to ${content.problem}`);
        advice.add(name === undefined ? ADVICE_FOR_FILES : ADVICE_FOR_VARIABLES);
        return found;
      }
      fromReferences.push(content.text);
      return content.text;
    });

  const resolve = (item: unknown, option: string): unknown => {
    if (typeof item === 'string') return resolveText(item, option);
    if (Array.isArray(item)) return item.map((each, index) => resolve(each, joinPath(option, index)));
    if (typeof item !== 'object' || item === null) return item;
    return Object.fromEntries(Object.entries(item).map(([key, each]) => [key, resolve(each, joinPath(option, key))]));
  };

  const resolved = resolve(value, '');
  if (problems.length === 0) return { value: resolved, fromReferences };
  const sentences = [problems.join('; '), ...advice].map((sentence) => ` ${sentence}.`).join('');
  throw protocolError('configuration_invalid', `The configuration in ${path} is not usable:${sentences}`);
}

function readVariable(name: string, environment: Environment): Content {
  const text = environment[name];
  if (text !== undefined && text !== '') return { kind: 'found', text };
  const state = text === undefined ? 'not set' : 'empty';
  return { kind: 'problem', problem: `the environment variable ${name}, which is ${state}` };
}

/** Reads the file that a reference names. The file is read synchronously, because it is small and local. */
function readReferredFile(path: string): Content {
  const problem = (reason: string): Content => ({ kind: 'problem', problem: `the file ${path}, which ${reason}` });
  // A relative path is refused, because the connectors may run in a different folder from the one that the user has in mind.
  if (!isAbsolute(path)) return problem('is not an absolute path, such as /run/secrets/key');
  try {
    const status = statSync(path);
    if (!status.isFile()) return problem('is not a regular file');
    if (status.size > MAX_FILE_BYTES) return problem('has more than a megabyte, too much for a secret');
    const bytes = readFileSync(path);
    if (!isUtf8(bytes)) return problem('is not text in UTF-8');
    // Editors and `echo` end a file with a line break, which is not part of the secret.
    const text = bytes.toString().replace(/\r?\n$/, '');
    return text === '' ? problem('is empty') : { kind: 'found', text };
  } catch (error) {
    return problem(`can't be read: ${describeSystemError(error)}`);
  }
}

function joinPath(option: string, key: string | number): string {
  return option === '' ? `${key}` : `${option}.${key}`;
}
