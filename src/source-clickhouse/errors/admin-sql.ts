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
