import { z } from 'zod';
import { readJsonFile } from '../protocol/json-file.ts';

/** All else of it, and a value that is none, are for the destination to judge. */
const configuration = z.looseObject({ dry_run: z.boolean().catch(false) });

/**
 * Whether the configuration of a destination has it send nothing.
 *
 * @throws ConnectorError (config_error) when the file can't be read.
 */
export async function readIsDryRun(path: string): Promise<boolean> {
  return (await readJsonFile('configuration', path, configuration)).dry_run;
}
