import type { S3Client } from '@aws-sdk/client-s3';
import { ConnectorError } from '../../../protocol/errors.ts';
import {
  commonS3Options,
  describeS3Error,
  loadS3Library,
  type S3Library,
  type S3SettingNames,
} from '../../../protocol/network/s3.ts';
import { registerSecrets } from '../../../protocol/secrets.ts';
import { syncError } from '../../../runner/errors.ts';

/**
 * The region for S3-compatible stores other than AWS. Most of them ignore it. Their documentation uses this one, and so does
 * MinIO.
 */
const REGION_OF_OTHER_STORES = 'us-east-1';

/** The settings of AWS tools, for messages. */
const SETTING_NAMES: S3SettingNames = {
  bucket: '--state',
  endpoint: 'AWS_ENDPOINT_URL',
  region: 'AWS_REGION',
  accessKey: 'AWS_ACCESS_KEY_ID',
  secretKey: 'AWS_SECRET_ACCESS_KEY',
  permissions:
    's3:GetObject and s3:PutObject on the state and the objects next to it (KEY*), and s3:ListBucket on the bucket',
  all: '--state and the AWS settings',
};

/** A client with the settings of this machine for AWS tools. */
export type ConfiguredClient = { library: S3Library; client: S3Client };

/**
 * Creates a client with the settings that AWS tools use: environment variables, the profile, and the role of the machine.
 *
 * @param url the location of the state, for messages.
 * @throws ConnectorError (config_error) if there are no credentials, or if the region is not set.
 */
export async function createS3Client(url: string): Promise<ConfiguredClient> {
  const library = await loadS3Library();
  try {
    // This client sends no request. It is only used to find the endpoint and the region in the way that the library does.
    const { config } = new library.S3Client({});
    const endpoint = await config.serviceConfiguredEndpoint?.();
    const region =
      process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || (await config.region().catch(() => undefined));
    if (region === undefined && endpoint === undefined) throw explainMissingRegion(url);
    const client = new library.S3Client({
      ...commonS3Options(),
      region: region ?? REGION_OF_OTHER_STORES,
      // Only with AWS, the name of the bucket is a subdomain. With other stores, it is the first part of the path.
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    });
    const { secretAccessKey, sessionToken } = await client.config.credentials();
    registerSecrets(sessionToken === undefined ? [secretAccessKey] : [secretAccessKey, sessionToken]);
    return { library, client };
  } catch (error) {
    throw explainS3Error(url, error);
  }
}

function explainMissingRegion(url: string): ConnectorError {
  return syncError(
    'state_store_unusable',
    `Can't use the state ${url}: the region is not set. Set AWS_REGION to the region of the bucket or, for a store other than AWS, AWS_ENDPOINT_URL to its address.`,
  );
}

/** Explains an error of the AWS library. @param url the location of the state. */
export function explainS3Error(url: string, error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const { isLasting, said, meaning } = describeS3Error(error, SETTING_NAMES);
  return isLasting
    ? syncError('state_store_unusable', `Can't use the state ${url} (${said}). ${meaning}.`, { cause: error })
    : syncError('state_store_unreachable', `Can't read or write the state ${url} (${said}). ${meaning}.`, {
        cause: error,
      });
}

/** Explains that a store ignores or refuses the conditions of a write. */
export function explainMissingConditions(url: string, cause?: unknown): ConnectorError {
  return syncError(
    'state_store_unusable',
    `Can't use the state ${url}: the store does not support conditional writes (If-Match and If-None-Match), which prevent two runs from overwriting each other. Use a later version of the store, another store, or a file.`,
    { cause },
  );
}
