import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { codeOf, messageOf } from '../errors.ts';
import { redactForeign } from '../secrets.ts';
import { createEnvironmentHttpsAgent } from './tunnel-agent.ts';

export type S3Library = typeof import('@aws-sdk/client-s3');

/** The timeout for a connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** The timeout for the response to a request, in milliseconds. */
const REQUEST_TIMEOUT_MS = 60_000;

/** Loads the AWS library. It is large, so commands that don't use S3 must not load it. */
export async function loadS3Library(): Promise<S3Library> {
  // On Node 20 the library warns on stderr that its future versions need a later Node. Users don't need this warning, because the
  // lock file sets the version of the library.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return import('@aws-sdk/client-s3');
}

/** Returns the options that all S3 clients share. Each client needs its own, because a client closes its request handler. */
export function commonS3Options(): S3ClientConfig {
  return {
    // The caller retries, so the library doesn't have to.
    maxAttempts: 1,
    requestHandler: createS3RequestHandler(),
    // Some stores other than AWS don't support the checksums that the library adds by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  };
}

/** Creates a request handler. Each client needs its own, because a client closes its handler. */
export function createS3RequestHandler(): NonNullable<S3ClientConfig['requestHandler']> {
  return {
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Without this setting, the library would only log a warning, and continue to wait.
    throwOnRequestTimeout: true,
    // Always checks the server's certificate. This is the default, but without an explicit setting,
    // NODE_TLS_REJECT_UNAUTHORIZED could silently turn off the check.
    httpsAgent: createEnvironmentHttpsAgent() ?? { rejectUnauthorized: true },
  };
}

/** The names of the settings of a store, for messages: options of a configuration, or environment variables. */
export type S3SettingNames = {
  bucket: string;
  endpoint: string;
  region: string;
  accessKey: string;
  secretKey: string;
  /** The permissions that the key needs, and the objects that it needs them for. */
  permissions: string;
  /** The settings to check if the meaning of an error is not known. */
  all: string;
};

type Meaning = (names: S3SettingNames) => string;

const inOtherRegion: Meaning = ({ region }) => `The bucket is in another region. Check ${region}`;

/** What an error of a store means and what to do about it. The keys are the names that AWS gives to these errors. */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  [
    'NoSuchBucket',
    ({ bucket, endpoint }) => `The bucket does not exist. Check ${bucket} and ${endpoint}, or create it`,
  ],
  [
    'InvalidAccessKeyId',
    ({ accessKey, endpoint }) => `The store does not know the access key. Check ${accessKey} and ${endpoint}`,
  ],
  ['SignatureDoesNotMatch', ({ secretKey }) => `The secret does not belong to the access key. Check ${secretKey}`],
  ['AccessDenied', ({ permissions }) => `The key has no permission. Grant it ${permissions}`],
  ['PermanentRedirect', inOtherRegion],
  ['AuthorizationHeaderMalformed', inOtherRegion],
  ['ExpiredToken', () => 'The credentials have expired. Renew them'],
  ['RequestTimeTooSkewed', () => 'The clock of this machine is wrong. Correct it'],
  [
    'CredentialsProviderError',
    ({ accessKey, secretKey }) => `This machine has no credentials. Set ${accessKey} and ${secretKey}`,
  ],
]);

/** HTTP statuses of client errors that a retry may fix. 409 means that another request for the same object is in progress. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 409, 429]);

/** The HTTP status with which a store answers if it does not know a header or an operation. */
const NOT_IMPLEMENTED = 501;

export type S3ErrorDescription = {
  /** Whether the error remains until someone changes a setting. Otherwise a retry may succeed. */
  isLasting: boolean;
  /** The name, the HTTP status and the message of the error, with secrets masked. */
  said: string;
  /** What the error means and what to do about it, without a full stop. */
  meaning: string;
};

/** Describes an error that the AWS library threw for a request. */
export function describeS3Error(error: unknown, names: S3SettingNames): S3ErrorDescription {
  const name = error instanceof Error ? error.name : '';
  const status = readS3Status(error);
  const known = MEANINGS.get(name);
  const isLasting = known !== undefined || (status !== undefined && isLastingStatus(status));
  const said = name === 'TimeoutError' ? 'no response in time' : quoteError(error, name, status);
  const unknown = isLasting
    ? `The store refused the request. Check ${names.all}`
    : `The store is unreachable or has an internal error. Check ${names.endpoint} and the network`;
  return {
    isLasting,
    said,
    meaning: known?.(names) ?? unknown,
  };
}

/** Quotes an error. Don't use this for timeouts: the library's message for a timeout is about the library's own settings. */
function quoteError(error: unknown, name: string, status: number | undefined): string {
  const words = messageOf(error);
  const code = status === undefined ? codeOf(error) : `HTTP ${status}`;
  const parts = [name === 'Error' ? '' : redactForeign(name), words.includes(code) ? '' : code, words];
  return parts.filter((part) => part !== '').join(', ');
}

function isLastingStatus(status: number): boolean {
  if (status === NOT_IMPLEMENTED) return true;
  return status >= 300 && status < 500 && !PASSING_STATUSES.has(status);
}

/** Returns the HTTP status of an error that the AWS library threw; undefined if there was no response. */
export function readS3Status(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}
