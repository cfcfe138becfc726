/** A reference to an environment variable, and nothing beside it. */
const REFERENCE = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/;

/**
 * How a secret that a person typed stands in a configuration in which `${NAME}` is taken from the environment: one that is
 * such a reference as it is, any other so that it is taken for itself.
 */
export function escapeSecret(typed: string): string {
  return REFERENCE.test(typed) ? typed : typed.replaceAll('${', () => '$${');
}
