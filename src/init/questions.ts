import type { Questions } from './prompts.ts';

/** What is asked of the source; the options of the same names. */
export type SourceAnswers = {
  host: string;
  port: number;
  ssl: boolean;
  username: string;
  password: string;
  database: string;
  cursor_column: string;
};

const PORT = 8123;
const PORT_WITH_TLS = 8443;
const MAX_PORTS = 65_535;

const CLOUD = /\.clickhouse\.cloud$/i;

/** Asks how ClickHouse is reached. What was answered before stands there to be changed; what is usual gives way to what is typed. */
export async function askForSource(questions: Questions, before: SourceAnswers | undefined): Promise<SourceAnswers> {
  const host = await questions.text({
    message: 'Host of ClickHouse',
    initial: before?.host,
    defaultAnswer: 'localhost',
    validate: validateHost,
  });
  const ssl = await questions.confirm('Is it reached over HTTPS?', before?.ssl ?? CLOUD.test(host));
  const defaultPort = String(ssl ? PORT_WITH_TLS : PORT);
  const port = await questions.text({
    message: 'Port of its HTTP interface',
    initial: before?.ssl === ssl ? String(before.port) : undefined,
    defaultAnswer: defaultPort,
    validate: validatePort,
  });
  const username = await questions.text({
    message: 'User, who has SELECT on the table',
    initial: before?.username,
    defaultAnswer: 'default',
  });
  const password = await questions.password(
    `Password: empty for ${before?.password ? 'the one before' : 'none'}; \${NAME} for one in the environment`,
  );
  const database = await questions.text({ message: 'Database', initial: before?.database, defaultAnswer: 'default' });
  const cursor = await questions.text({
    message: 'Column that tells when a row was inserted',
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
    : 'A name or an address alone: no https://, no port, no path.';
}

function validatePort(port: string): string | undefined {
  return /^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= MAX_PORTS
    ? undefined
    : `A whole number from 1 to ${MAX_PORTS}.`;
}

/** What is asked of the destination; the options of the same names. */
export type DestinationAnswers = { project_key: string; rest_api_key: string };

/** Asks for the keys of the project in Batch. What was answered before stands there to be changed. */
export async function askForDestination(
  questions: Questions,
  before: DestinationAnswers | undefined,
): Promise<DestinationAnswers> {
  const project = await questions.text({
    message: 'Project key of Batch (dashboard: Settings → General; it begins with project_)',
    initial: before?.project_key,
  });
  let key = await questions.password(
    `REST API key, from the same page${before === undefined ? '' : ': empty for the one before'}; \${NAME} for one in the environment`,
  );
  while (key === '' && before === undefined) key = await questions.password('The REST API key is needed');
  return { project_key: project, rest_api_key: key === '' ? (before?.rest_api_key ?? '') : escapeSecret(key) };
}

/** A reference to an environment variable, and nothing beside it. */
const REFERENCE = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/;

/**
 * How a secret that a person typed stands in a configuration in which `${NAME}` is taken from the environment: one that is
 * such a reference as it is, any other so that it is taken for itself.
 */
function escapeSecret(typed: string): string {
  return REFERENCE.test(typed) ? typed : typed.replaceAll('${', () => '$${');
}
