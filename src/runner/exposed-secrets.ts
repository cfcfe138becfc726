import { stat } from 'node:fs/promises';
import { type GivenConfiguration, readWrittenConfiguration } from '../protocol/configuration/configuration.ts';
import { findSecrets } from '../protocol/spec.ts';
import { onOwnLines, quoteForShell } from '../shared/statement.ts';
import { loadSchema, type Role } from './check-configurations.ts';

/** The bit of a file's mode that lets every user of the machine read it. */
const READABLE_BY_ALL = 0o004;

/** Matches a value that is only a reference to an environment variable or a file, and so isn't the secret itself. */
const REFERENCE = /^\$\{[^}]+\}$/;

/**
 * Returns a warning if the files of configurations contain secrets that every user of the machine can read. A file that
 * belongs to another user, such as a file mounted into a container, causes no warning, because only its owner can change its mode.
 *
 * @param given valid configurations.
 */
export async function findExposedSecrets(
  given: Readonly<Partial<Record<Role, GivenConfiguration>>>,
): Promise<string | undefined> {
  const exposed = new Set<string>();
  for (const role of ['source', 'destination'] as const) {
    const path = given[role] && (await findExposedFile(role, given[role]));
    if (path !== undefined) exposed.add(path);
  }
  if (exposed.size === 0) return undefined;
  const command = `chmod 600 ${[...exposed].map(quoteForShell).join(' ')}`;
  return `Every user of this machine can read the secrets in ${[...exposed].join(' and ')}. Run:${onOwnLines(command)}`;
}

/** Returns the file of a configuration if every user of the machine can read its secrets. */
async function findExposedFile(role: Role, given: GivenConfiguration): Promise<string | undefined> {
  const path = typeof given === 'string' ? given : given.file;
  if (path === undefined) return undefined;
  const { uid, mode } = await stat(path);
  if (uid !== process.getuid?.() || (mode & READABLE_BY_ALL) === 0) return undefined;
  const { value } = await readWrittenConfiguration(given, undefined);
  const secrets = findSecrets(value, await loadSchema(role)).filter(
    (secret) => secret !== '' && !REFERENCE.test(secret),
  );
  return secrets.length === 0 ? undefined : path;
}
