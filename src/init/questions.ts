import type { Questions } from './prompts.ts';
import { secretText } from './secret-text.ts';

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
const MOST_PORTS = 65_535;

const CLOUD = /\.clickhouse\.cloud$/i;

/** Asks how ClickHouse is reached. What was answered before stands there to be changed; what is usual gives way to what is typed. */
export async function askForSource(questions: Questions, before: SourceAnswers | undefined): Promise<SourceAnswers> {
  const host = await questions.text({
    message: 'Host of ClickHouse',
    initial: before?.host,
    usual: 'localhost',
    fault: hostFault,
  });
  const ssl = await questions.whether('Is it reached over HTTPS?', before?.ssl ?? CLOUD.test(host));
  const usualPort = String(ssl ? PORT_WITH_TLS : PORT);
  const port = await questions.text({
    message: 'Port of its HTTP interface',
    initial: before?.ssl === ssl ? String(before.port) : undefined,
    usual: usualPort,
    fault: portFault,
  });
  const username = await questions.text({
    message: 'User, who has SELECT on the table',
    initial: before?.username,
    usual: 'default',
  });
  const password = await questions.secret(
    `Password: empty for ${before?.password ? 'the one before' : 'none'}; \${NAME} for one in the environment`,
  );
  const database = await questions.text({ message: 'Database', initial: before?.database, usual: 'default' });
  const cursor = await questions.text({
    message: 'Column that tells when a row was inserted',
    initial: before?.cursor_column,
    usual: 'last_updated_at',
  });
  return {
    host,
    port: Number(port),
    ssl,
    username,
    password: password === '' ? (before?.password ?? '') : secretText(password),
    database,
    cursor_column: cursor,
  };
}

function hostFault(host: string): string | undefined {
  return /^[^\s/:]+$|^\[?[0-9a-f:]+\]?$/i.test(host)
    ? undefined
    : 'A name or an address alone: no https://, no port, no path.';
}

function portFault(port: string): string | undefined {
  return /^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= MOST_PORTS
    ? undefined
    : `A whole number from 1 to ${MOST_PORTS}.`;
}
