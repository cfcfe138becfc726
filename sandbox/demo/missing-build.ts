import { existsSync } from 'node:fs';

/** Explains what to do when the connectors are not built; undefined when they are. @param root the folder of the package. */
export function explainMissingBuild(root: URL): string | undefined {
  if (existsSync(new URL('dist/cli/main.js', root))) return undefined;
  return 'The connectors are not built: dist/ does not exist. Run `npm run build`, then run the demo again.';
}
