import type { GivenConfiguration } from '../protocol/configuration.ts';
import type { Questions } from './prompts.ts';

/** The answers about the source. Each answer becomes the option of the same name in the configuration. */
export type SourceAnswers = {
  host: string;
  port: number;
  ssl: boolean;
  username: string;
  password: string;
  database: string;
  cursor_column: string;
};

/** Returns answers as a configuration, which is not in a file yet. */
export function asConfiguration(answers: object): GivenConfiguration {
  return { name: 'your answers', value: answers };
}

const PORT = 8123;
const PORT_WITH_TLS = 8443;
const MAX_PORT = 65_535;

const CLOUD = /\.clickhouse\.cloud$/i;

/**
 * Asks for the connection to ClickHouse. The user can edit earlier answers. A default is shown as a placeholder, and is used if the
 * answer is empty.
 */
export async function askForSource(questions: Questions, before: SourceAnswers | undefined): Promise<SourceAnswers> {
  const host = await questions.text({
    message: 'ClickHouse host',
    initial: before?.host,
    defaultAnswer: 'localhost',
    validate: validateHost,
  });
  const ssl = await questions.confirm('Use HTTPS?', before?.ssl ?? CLOUD.test(host));
  const defaultPort = String(ssl ? PORT_WITH_TLS : PORT);
  const port = await questions.text({
    message: 'HTTP port',
    initial: before?.ssl === ssl ? String(before.port) : undefined,
    defaultAnswer: defaultPort,
    validate: validatePort,
  });
  const username = await questions.text({
    message: 'User (needs SELECT on the table)',
    initial: before?.username,
    defaultAnswer: 'default',
  });
  const password = await questions.password(
    `Password (empty ${before?.password ? 'to keep it' : 'for none'}, \${NAME} for an environment variable, \${file:/PATH} for a file)`,
  );
  const database = await questions.text({ message: 'Database', initial: before?.database, defaultAnswer: 'default' });
  const cursor = await questions.text({
    message: 'Column with the time when a row was inserted',
    initial: before?.cursor_column,
    defaultAnswer: 'last_updated_at',
  });
  return {
    host,
    port: Number(port),
    ssl,
    username,
    password: password === '' ? (before?.password ?? '') : escapeSecret(password),
    database,
    cursor_column: cursor,
  };
}

function validateHost(host: string): string | undefined {
  return /^[^\s/:]+$|^\[?[0-9a-f:]+\]?$/i.test(host)
    ? undefined
    : 'Enter only a name or an address: no https://, no port, no path.';
}

function validatePort(port: string): string | undefined {
  return /^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= MAX_PORT
    ? undefined
    : `Enter a whole number from 1 to ${MAX_PORT}.`;
}

/** The answers about the destination. Each answer becomes the option of the same name in the configuration. */
export type DestinationAnswers = { project_key: string; rest_api_key: string };

/** Asks for the keys of the project in Batch. The user can edit earlier answers. */
export async function askForDestination(
  questions: Questions,
  before: DestinationAnswers | undefined,
): Promise<DestinationAnswers> {
  const project = await questions.text({
    message: 'Batch project key (dashboard: Settings → General; starts with project_)',
    initial: before?.project_key,
  });
  let key = await questions.password(
    `REST API key, from the same page (${before === undefined ? '' : 'empty to keep it, '}\${NAME} for an environment variable, \${file:/PATH} for a file)`,
  );
  while (key === '' && before === undefined) key = await questions.password('The REST API key is required');
  return { project_key: project, rest_api_key: key === '' ? (before?.rest_api_key ?? '') : escapeSecret(key) };
}

/** Matches a text that is exactly one reference to an environment variable or a file. */
const REFERENCE = /^\$\{(?:file:[^}]+|[A-Za-z_][A-Za-z0-9_]*)\}$/;

/**
 * Escapes a secret for a configuration in which `${` begins a reference. If the user typed exactly one reference, it is kept. In
 * any other secret, `${` is escaped, so that the connector uses the secret as typed.
 */
function escapeSecret(typed: string): string {
  return REFERENCE.test(typed) ? typed : typed.replaceAll('${', () => '$${');
}
