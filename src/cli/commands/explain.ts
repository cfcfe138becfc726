import { readdir, readFile } from 'node:fs/promises';
import { distance } from 'fastest-levenshtein';
import type { CommandContext } from '../../protocol/command-context.ts';
import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { PACKAGE_ROOT } from '../../shared/package.ts';
import { type Command, type CommandHelp, commandParser } from '../command.ts';
import { runConnector } from '../run-connector.ts';

const PAGES = new URL('docs/troubleshooting/', PACKAGE_ROOT);

/** The page that lists all codes. */
const LIST = 'README';

/** The width of the first column in the list of codes. It is the length of the longest code. */
const CODE_WIDTH = 30;

/** The maximum number of codes that are suggested instead of an unknown code. */
const MAX_PROPOSALS = 4;

const HELP: CommandHelp = {
  usage: `$0 [CODE]

Explains the code of an error or a rejection: what was seen, what it likely means, and what to do. CODE can also be the link at the end of a message. Without a code, it lists all of them. It needs no network.`,
  examples: ['$0', '$0 clickhouse_login_refused'],
};

export const explainCommand: Command = {
  options: () => ({}),
  values: listCodes,
  run: (launcher, args) =>
    runConnector(async (context) => {
      const parser = commandParser(launcher.name, 'explain', args, HELP, {});
      const { help, _: codes } = await parser
        .demandCommand(0, 1, undefined, 'Too many arguments: pass only one code.')
        .parseAsync();
      if (help === true) return;
      const [code] = codes;
      const isKnown = await explain(context, code === undefined ? undefined : `${code}`);
      if (!isKnown) process.exitCode = EXIT_CODES.misconfigured;
    }),
};

/**
 * Prints the page of a code, or the list of all codes. This command is not part of the Airbyte protocol: it is for users whose
 * terminal may have no internet access. The pages are written to be readable as plain text, 80 columns wide.
 *
 * @param asked an error or rejection code, or the link at the end of a message.
 * @returns whether the code exists. If it doesn't exist, similar codes are printed to stderr.
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
    `Unknown code "${code}". It may be misspelt, or belong to another version. Similar codes: ${proposeCodes(code, codes).join(', ')}. Run explain without a code to list all codes.\n`,
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

/** Extracts the code from text copied from a message: the last part of a link, without its extension or a trailing full stop. */
function extractCode(asked: string): string {
  return asked
    .trim()
    .replace(/^.*\//, '')
    .replace(/(\.md)?\.?$/, '')
    .toLowerCase();
}

/** Returns the codes that contain the given text, or the most similar codes if none contains it. */
export function proposeCodes(asked: string, codes: readonly string[]): string[] {
  const holding = codes.filter((code) => asked !== '' && code.includes(asked));
  const nearest = holding.length > 0 ? holding : codes.toSorted((a, b) => distance(asked, a) - distance(asked, b));
  return nearest.slice(0, MAX_PROPOSALS);
}

/** Formats the list of codes without its links, which a terminal can't follow. */
function formatList(list: string): string {
  return list.replaceAll(/^- \[(\w+)\]\(\w+\.md\): /gm, (_, code: string) => `  ${code.padEnd(CODE_WIDTH)}  `);
}
