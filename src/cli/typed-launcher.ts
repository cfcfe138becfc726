import { basename, delimiter, dirname, relative, sep } from 'node:path';

/**
 * Returns the launcher of this process as the user can type it: with npx if npx started it, its name if its folder is on the PATH,
 * otherwise its path.
 */
export function resolveLauncher(): string {
  const path = process.argv[1] ?? '';
  const name = basename(path);
  // npx adds its own folder to the PATH, only for this process.
  if (process.env.npm_command === 'exec' && path.includes(`${sep}node_modules${sep}`)) return `npx ${name}`;
  if ((process.env.PATH ?? '').split(delimiter).includes(dirname(path))) return name;
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}
