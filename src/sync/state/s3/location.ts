import { syncError } from '../../../runner/errors.ts';

/** The bucket and the key of the state in an S3-compatible store. */
export type S3Location = {
  /** As the user wrote it, for messages. */
  url: string;
  bucket: string;
  key: string;
};

const S3_SCHEME = /^s3:/i;

/** Matches the URL of an object: the name of a bucket, and a key without parts that are empty, `.` or `..`. */
const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9._-]+[a-z0-9])\/((?!\.{1,2}(?:\/|$))[^/]+(?:\/(?!\.{1,2}(?:\/|$))[^/]+)*)$/i;

/**
 * Parses `s3://BUCKET/KEY`. Returns undefined for any other location, such as the path of a file.
 *
 * @throws ConnectorError (config_error) if the location starts with `s3:`, but is malformed.
 */
export function parseS3Location(location: string): S3Location | undefined {
  if (!S3_SCHEME.test(location)) return undefined;
  const [, bucket, key] = S3_URL.exec(location) ?? [];
  if (bucket === undefined || key === undefined) {
    // The location isn't quoted: someone may have put a key and a secret into it.
    throw syncError(
      'state_store_unusable',
      '--state starts with "s3:", but is not the URL of an object. Write it as s3://BUCKET/KEY, for example s3://my-bucket/clickhouse-to-batch/state.json, and set the endpoint and the credentials with the environment variables of AWS.',
    );
  }
  return { url: location, bucket, key };
}
