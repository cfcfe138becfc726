import { redactForeign } from '../../protocol/secrets.ts';
import { quoteIdentifier } from '../sql.ts';

/**
 * What an administrator is to do so that a setting has another value for a user. It is MODIFY SETTING, as a bare
 * SETTINGS would drop every other setting of the user, such as readonly.
 */
export function adviseSetting(username: string, settings: Readonly<Record<string, string>>): string {
  const assignments = Object.entries(settings).map(([name, value]) => `${name} = ${quoteValue(value)}`);
  return `Let an administrator run: ALTER USER ${quoteIdentifier(username)} MODIFY SETTING ${assignments.join(', ')} (before ClickHouse 24.12, and for users of users.xml, it is the user's profile that is to be changed)`;
}

function quoteValue(value: string): string {
  return /^\d+$/.test(value) ? value : `'${value}'`;
}

/** A right and what it is on, as the server names them: `SELECT(a, b) ON db.table`, with names in backticks if need be. */
const NAMED_RIGHT =
  /grant ([A-Z ]+(?:\([^)]*\))?)(?: for at least one column on| ON) ((?:`(?:[^`\\]|\\.)*`|[^\s,`.]+|\.(?=\S))+)/;

/** The statement that gives the right which the server says is missing. */
export function suggestGrant(message: string, database: string, username: string): string {
  const [right = 'SELECT', on = `${quoteIdentifier(database)}.*`] =
    NAMED_RIGHT.exec(message)?.slice(1).map(redactForeign) ?? [];
  return `GRANT ${right} ON ${on} TO ${quoteIdentifier(username)}`;
}

/**
 * Has the server say how far a query is that has no row yet: by an X-ClickHouse-Progress header each time (ClickHouse's
 * documentation of its HTTP interface). In milliseconds, and less than the minute after which many proxies leave a silent answer.
 */
export const PROGRESS_SETTINGS = { send_progress_in_http_headers: '1', http_headers_progress_interval_ms: '45000' };
