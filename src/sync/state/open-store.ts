import { FileStateStore } from './file-store.ts';
import { parseS3Location } from './s3/location.ts';
import type { StateStore } from './store.ts';

/**
 * Opens the store of a state. It is not read yet.
 *
 * @param location the path of the state file, or s3://BUCKET/KEY.
 * @throws ConnectorError (config_error) if the location is malformed, or if the settings for S3 are incomplete.
 */
export async function openStateStore(location: string): Promise<StateStore> {
  const s3 = parseS3Location(location);
  if (s3 === undefined) return new FileStateStore(location);
  // Loaded only when needed, because the AWS library is large.
  return (await import('./s3/s3-state-store.ts')).S3StateStore.open(s3);
}
