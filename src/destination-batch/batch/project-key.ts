/** Batch's project keys begin with this (docs/batch-api.md, section 1), and its REST API keys don't. */
const PREFIX = 'project_';

/** Checks whether a key looks like the key of a project. */
export function isProjectKey(key: string): boolean {
  return key.startsWith(PREFIX);
}
