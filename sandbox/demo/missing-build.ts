import { existsSync } from 'node:fs';

/** What to do when there is nothing to start; undefined when the connectors are built. @param root the folder of the package. */
export function explainMissingBuild(root: URL): string | undefined {
  if (existsSync(new URL('dist/cli/main.js', root))) return undefined;
  return 'The connectors are not built yet: dist/ is not there. Run `npm run build`, and then the demo again.';
}
