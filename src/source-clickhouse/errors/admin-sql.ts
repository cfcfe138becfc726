import { redactForeign } from '../../protocol/secrets.ts';
import { quoteIdentifier } from '../sql.ts';

/**
 * The statement with which an administrator changes settings of a user. It uses MODIFY SETTING, because a bare SETTINGS would
 * drop the user's other settings, such as readonly.
 */
export function adviseSetting(username: string, settings: Readonly<Record<string, string>>): string {
  const assignments = Object.entries(settings).map(([name, value]) => `${name} = ${quoteValue(value)}`);
  return `Ask an administrator to run: ALTER USER ${quoteIdentifier(username)} MODIFY SETTING ${assignments.join(', ')} (before ClickHouse 24.12, and for users of users.xml, change the user's profile instead)`;
}

function quoteValue(value: string): string {
  return /^\d+$/.test(value) ? value : `'${value}'`;
}

/** A privilege and its object in the server's message: `SELECT(a, b) ON db.table`, with names in backticks if necessary. */
const NAMED_PRIVILEGE =
  /grant ([A-Z ]+(?:\([^)]*\))?)(?: for at least one column on| ON) ((?:`(?:[^`\\]|\\.)*`|[^\s,`.]+|\.(?=\S))+)/;

/** The statement that grants the privilege that is missing according to the server. */
export function suggestGrant(message: string, database: string, username: string): string {
  const [privilege = 'SELECT', on = `${quoteIdentifier(database)}.*`] =
    NAMED_PRIVILEGE.exec(message)?.slice(1).map(redactForeign) ?? [];
  return `GRANT ${privilege} ON ${on} TO ${quoteIdentifier(username)}`;
}

/**
 * Makes the server report the progress of a query that has returned no row yet, in an X-ClickHouse-Progress header. The
 * interval, in milliseconds, is less than the minute after which many proxies cut a silent response.
 */
export const PROGRESS_SETTINGS = { send_progress_in_http_headers: '1', http_headers_progress_interval_ms: '45000' };
