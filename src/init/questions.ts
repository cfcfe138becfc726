import type { Questions } from './prompts.ts';
import { escapeSecret } from './secret-text.ts';

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
