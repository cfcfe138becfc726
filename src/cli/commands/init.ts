import { delimiter, dirname, relative } from 'node:path';
import { init } from '../../init/init.ts';
import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { interactiveParser } from '../arguments.ts';
import { runInteractive } from '../run-interactive.ts';

// The paragraph is one line: yargs wraps it to the width of the terminal.
const USAGE = `$0

Asks for your settings, tests the connections, and writes source.json, destination.json and catalog.json into this folder, readable only by you. It sends no events.`;

/**
 * Runs `init`.
 *
 * @param launcher the name of the launcher.
 * @param args the arguments after `init`.
 */
export async function runInit(launcher: string, args: readonly string[]): Promise<void> {
  await runInteractive(async (context) => {
    const parsed = await interactiveParser(`${launcher} init`, args, USAGE, {
      'api-url': {
        type: 'string',
        requiresArg: true,
        describe: 'the address of a test server to use instead of Batch',
      },
    }).parseAsync();
    if (parsed.help === true) return EXIT_CODES.allAccepted;
    return (await init(context, resolveLauncher(launcher), parsed.apiUrl)) ? EXIT_CODES.allAccepted : EXIT_CODES.failed;
  });
}

/** Returns the launcher as the user can type it here: its name if its folder is on the PATH, otherwise its path. */
function resolveLauncher(name: string): string {
  const path = process.argv[1] ?? name;
  const isFound = (process.env.PATH ?? '').split(delimiter).includes(dirname(path));
  if (isFound) return name;
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}
