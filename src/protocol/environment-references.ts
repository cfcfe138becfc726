import { protocolError } from './errors.ts';

/** The variables that references stand for, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A configuration whose references were replaced, and the values that came in their place. */
export type Resolved = { value: unknown; fromEnvironment: string[] };

/** `$${`, which stands for `${` itself; a reference; or what begins like one and is none. */
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g;

/**
 * Replaces each `${NAME}` in the texts of a configuration by the environment variable of that name, so that a secret need
 * not stand in the file. `$${` stands for `${`.
 *
 * @param path of the file, for messages.
 * @throws ConnectorError (config_error) that names each option and variable at fault, and no value.
 */
export function resolveReferences(value: unknown, environment: Environment, path: string): Resolved {
  const fromEnvironment: string[] = [];
  const problems: string[] = [];

  const resolveText = (text: string, option: string): string =>
    text.replaceAll(REFERENCE, (found, name: string | undefined) => {
      if (found === '$${') return '${';
      if (name === undefined) {
        problems.push(
          `${option} holds a \${ that begins no reference such as \${NAME}; for a \${ of its own write $\${`,
        );
        return found;
      }
      const content = environment[name];
      if (content === undefined || content === '') {
        problems.push(
          `${option} refers to the environment variable ${name}, which is ${content === undefined ? 'not set' : 'empty'}`,
        );
        return found;
      }
      fromEnvironment.push(content);
      return content;
    });

  const resolve = (item: unknown, option: string): unknown => {
    if (typeof item === 'string') return resolveText(item, option);
    if (Array.isArray(item)) return item.map((each, index) => resolve(each, joinPath(option, index)));
    if (typeof item !== 'object' || item === null) return item;
    return Object.fromEntries(Object.entries(item).map(([key, each]) => [key, resolve(each, joinPath(option, key))]));
  };

  const resolved = resolve(value, '');
  if (problems.length === 0) return { value: resolved, fromEnvironment };
  throw protocolError(
    'configuration_invalid',
    `The configuration in ${path} is not usable. ${problems.join('; ')}. Set each variable where this command is started, as with export NAME=….`,
  );
}

function joinPath(option: string, key: string | number): string {
  return option === '' ? `${key}` : `${option}.${key}`;
}
