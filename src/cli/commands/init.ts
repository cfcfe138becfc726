import { delimiter, dirname, relative } from 'node:path';
import { init } from '../../init/init.ts';
import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { interactiveParser } from '../arguments.ts';
import { runInteractive } from '../run-interactive.ts';

// The paragraph is on one line, as it is broken to the width of the terminal.
const USAGE = `$0

Asks how ClickHouse and Batch are reached, tries each answer, and writes source.json, destination.json and catalog.json into this folder, for you alone to read. It sends nothing.`;

/**
 * Runs `init`.
 *
 * @param launcher the name that it is started by.
 * @param args those behind the word init.
 */
export async function runInit(launcher: string, args: readonly string[]): Promise<void> {
  await runInteractive(async (context) => {
    const parsed = await interactiveParser(`${launcher} init`, args, USAGE, {
      'api-url': { type: 'string', requiresArg: true, describe: "another address than Batch's, for tests" },
    }).parseAsync();
    if (parsed.help === true) return EXIT_CODES.allAccepted;
    return (await init(context, resolveLauncher(launcher), parsed.apiUrl)) ? EXIT_CODES.allAccepted : EXIT_CODES.failed;
  });
}

/** A launcher as it can be typed here: by its name where it is found by that, else by its path. */
function resolveLauncher(name: string): string {
  const path = process.argv[1] ?? name;
  const isFound = (process.env.PATH ?? '').split(delimiter).includes(dirname(path));
  if (isFound) return name;
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}
