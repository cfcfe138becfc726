import { protocolError } from './errors.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A configuration after its references were replaced, and the values from the environment that replaced them. */
export type Resolved = { value: unknown; fromEnvironment: string[] };

/** Matches `$${` (a literal `${`), a reference such as `${NAME}`, or a `${` that doesn't begin a reference. */
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g;

/**
 * Replaces each `${NAME}` in the strings of a configuration with the environment variable NAME, so that the file need not
 * contain secrets. `$${` becomes a literal `${`.
 *
 * @param path the path of the configuration file, for messages.
 * @throws ConnectorError (config_error) that names the options and variables, but no value.
 */
export function resolveReferences(value: unknown, environment: Environment, path: string): Resolved {
  const fromEnvironment: string[] = [];
  const problems: string[] = [];

  const resolveText = (text: string, option: string): string =>
    text.replaceAll(REFERENCE, (found, name: string | undefined) => {
      if (found === '$${') return '${';
      if (name === undefined) {
        problems.push(
          `${option} contains \${ without a name: for an environment variable use \${NAME}, for a literal \${ use $\${`,
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
    `The configuration in ${path} is not usable. ${problems.join('; ')}. Set each variable in the environment of this command, for example with export NAME=….`,
  );
}

function joinPath(option: string, key: string | number): string {
  return option === '' ? `${key}` : `${option}.${key}`;
}
