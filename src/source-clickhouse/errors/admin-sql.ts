import { redactForeign } from '../../protocol/secrets.ts';
import { onOwnLines } from '../../shared/statement.ts';
import { quoteIdentifier } from '../sql.ts';

/**
 * Returns advice that ends with a statement that changes settings of a user. The statement uses MODIFY SETTING, because a bare
 * SETTINGS would drop the user's other settings, such as readonly.
 */
export function adviseSetting(username: string, settings: Readonly<Record<string, string>>): string {
  const assignments = Object.entries(settings).map(([name, value]) => `${name} = ${quoteValue(value)}`);
  return `Ask an administrator to run this (before ClickHouse 24.12, or if the user is defined in users.xml, change the user's profile instead):${onOwnLines(`ALTER USER ${quoteIdentifier(username)} MODIFY SETTING ${assignments.join(', ')}`)}`;
}

function quoteValue(value: string): string {
  return /^\d+$/.test(value) ? value : `'${value}'`;
}

/** Matches a privilege and its object in the server's message: `SELECT(a, b) ON db.table`. Names may be in backticks. */
const NAMED_PRIVILEGE =
  /grant ([A-Z ]+(?:\([^)]*\))?)(?: for at least one column on| ON) ((?:`(?:[^`\\]|\\.)*`|[^\s,`.]+|\.(?=\S))+)/;

/** Returns advice that ends with a statement that grants the missing privilege, which the server's message names. */
export function adviseGrant(message: string, database: string, username: string): string {
  const [privilege = 'SELECT', on = `${quoteIdentifier(database)}.*`] =
    NAMED_PRIVILEGE.exec(message)?.slice(1).map(redactForeign) ?? [];
  return `Ask an administrator to run:${onOwnLines(`GRANT ${privilege} ON ${on} TO ${quoteIdentifier(username)}`)}`;
}

/**
 * Settings that make the server report the progress of a query in X-ClickHouse-Progress headers until it returns its first row.
 * The interval, in milliseconds, is less than the minute after which many proxies cut a response that sends nothing.
 */
export const PROGRESS_SETTINGS = { send_progress_in_http_headers: '1', http_headers_progress_interval_ms: '45000' };
