import { readdir, readFile } from 'node:fs/promises';
import { distance } from 'fastest-levenshtein';
import type { CommandContext } from '../../protocol/command-context.ts';
import { PACKAGE_ROOT } from '../../shared/package.ts';
import type { ConnectorCommand } from '../arguments.ts';

const PAGES = new URL('docs/troubleshooting/', PACKAGE_ROOT);

/** The page that lists the others. */
const LIST = 'README';

/** Characters of the longest code, so that what is said of each begins in one column. */
const CODE_WIDTH = 30;

/** How many codes are proposed in place of one that there is not. */
const MAX_PROPOSALS = 4;

export const explainCommand: ConnectorCommand = {
  name: 'explain',
  addTo: (parser, _, context) =>
    parser.command(
      'explain [code]',
      'say what the code in a message means, or list all codes',
      (args) => args.positional('code', { type: 'string', describe: 'the code, or the link to its page' }),
      async ({ code }) => {
        if (!(await explain(context, code))) process.exitCode = 1;
      },
    ),
};

/**
 * Prints the page of a code, or the list of all codes. This is for a person in front of a terminal that may reach no
 * web page, and no command of the protocol: what it prints are no messages but the pages, which are written to be read
 * as they are, in 80 columns.
 *
 * @param asked a code of an error or a rejection, or the link that ends a message.
 * @returns whether there is such a code; if not, stderr says which are like it.
 */
export async function explain({ output }: CommandContext, asked: string | undefined): Promise<boolean> {
  if (asked === undefined) {
    await output.writeBytes(formatList(await readPage(LIST)));
    return true;
  }
  const codes = await listCodes();
  const code = extractCode(asked);
  if (codes.includes(code)) {
    await output.writeBytes(await readPage(code));
    return true;
  }
  process.stderr.write(
    `There is no code "${code}". It may be misspelt, or of another version. Those most like it: ${proposeCodes(code, codes).join(', ')}. Without a code, explain lists all of them.\n`,
  );
  return false;
}

async function listCodes(): Promise<string[]> {
  const files = await readdir(PAGES);
  return files.map((file) => file.replace(/\.md$/, '')).filter((name) => name !== LIST);
}

function readPage(name: string): Promise<string> {
  return readFile(new URL(`${name}.md`, PAGES), 'utf8');
}

/** The code in what was copied from a message: the last part of a link, without its ending and a full stop. */
function extractCode(asked: string): string {
  return asked
    .trim()
    .replace(/^.*\//, '')
    .replace(/(\.md)?\.?$/, '')
    .toLowerCase();
}

/** Codes that hold what was asked for, or else those that are fewest changes away from it. */
export function proposeCodes(asked: string, codes: readonly string[]): string[] {
  const holding = codes.filter((code) => asked !== '' && code.includes(asked));
  const nearest = holding.length > 0 ? holding : codes.toSorted((a, b) => distance(asked, a) - distance(asked, b));
  return nearest.slice(0, MAX_PROPOSALS);
}

/** The list without its links, which a terminal does not follow. */
function formatList(list: string): string {
  return list.replaceAll(/^- \[(\w+)\]\(\w+\.md\): /gm, (_, code: string) => `  ${code.padEnd(CODE_WIDTH)}  `);
}
