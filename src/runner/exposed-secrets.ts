import { stat } from 'node:fs/promises';
import { readWrittenConfiguration } from '../protocol/configuration/configuration.ts';
import { findSecrets } from '../protocol/spec.ts';
import { onOwnLines, quoteForShell } from '../shared/statement.ts';
import { loadSchema, type Role } from './check-configurations.ts';

/** The bit of a file's mode that lets every user of the machine read it. */
const READABLE_BY_ALL = 0o004;

/** Matches a reference to an environment variable or a file. The secret is then not in the configuration. */
const REFERENCE = /^\$\{[^}]+\}$/;

/**
 * Returns a warning if a configuration file contains a secret that every user of the machine can read. A file of another user, as
 * a container mounts it, causes no warning, because only its owner can change its mode.
 *
 * @param path the path of a valid configuration.
 */
export async function findExposedSecrets(role: Role, path: string): Promise<string | undefined> {
  const { uid, mode } = await stat(path);
  if (uid !== process.getuid?.() || (mode & READABLE_BY_ALL) === 0) return undefined;
  const { value } = await readWrittenConfiguration(path, undefined);
  const secrets = findSecrets(value, await loadSchema(role)).filter(
    (secret) => secret !== '' && !REFERENCE.test(secret),
  );
  if (secrets.length === 0) return undefined;
  return `Every user of this machine can read the secrets in ${path}. Run:${onOwnLines(`chmod 600 ${quoteForShell(path)}`)}`;
}
