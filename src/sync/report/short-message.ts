import { splitLink } from '../../protocol/help-pages.ts';

/** The columns of a rejected row by their form, which takes lines of a terminal; `preview` shows the row itself. */
const COLUMNS = / Its columns: .*$/s;

/** What a connector logs, for a person: the code stands for the link to its page, which `explain` prints. */
export function shortenMessage(logged: string): string {
  const { message, code } = splitLink(logged);
  const short = message.replace(COLUMNS, '');
  return code === undefined || short.includes(`(${code}`) ? short : `${short} (${code})`;
}
