import type { SourceConfiguration } from './configuration.ts';
import { settingAdvice } from './setting-advice.ts';

/**
 * A limit on what one query may read, return or keep, which meets the same query again each time it is asked.
 *
 * @param message the server's own words, which name the limit or its kind.
 */
export function explainFinalLimit(message: string, { username }: Pick<SourceConfiguration, 'username'>): string {
  const settings = settingsBehind(message);
  if (settings.length === 0)
    return `A limit of the user "${username}" is too low for the query, and asking again would meet it again. Let an administrator raise it.`;
  const advice = settingAdvice(username, Object.fromEntries(settings.map((name) => [name, '0'])));
  return `A limit of the user "${username}" (${settings.join(' or ')}) is too low for the query, and asking again would meet it again. ${advice}; 0 is no limit, and a value that is large enough does, too.`;
}

/** The settings that a message may be about, all of them where the server tells them apart by no word. */
function settingsBehind(message: string): string[] {
  const [, name] = /setting '(\w+)'|'(\w+)' setting/.exec(message)?.filter((part) => part !== undefined) ?? [];
  if (name !== undefined) return [name];
  const [, what] = /^Limit for (.+?) exceeded/.exec(message) ?? [];
  const unit = message.includes('max bytes') ? 'bytes' : 'rows';
  switch (what) {
    case 'rows or bytes to read':
      return [`max_${unit}_to_read`];
    case 'rows or bytes to read on leaf node':
      return [`max_${unit}_to_read_leaf`];
    case 'result':
      return [`max_result_${unit}`, `max_${unit}_to_sort`];
    case 'rows to GROUP BY':
      return ['max_rows_to_group_by'];
    case 'DISTINCT':
    case 'JOIN':
      return [`max_${unit}_in_${what.toLowerCase()}`];
    case 'IN-set':
      return [`max_${unit}_in_set`];
    default:
      return [];
  }
}
