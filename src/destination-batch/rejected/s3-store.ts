import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { ConnectorError } from '../../protocol/errors.ts';
import {
  commonS3Options,
  createS3RequestHandler,
  describeS3Error,
  loadS3Library,
  type S3Library,
  type S3SettingNames,
} from '../../protocol/network/s3.ts';
import { retryFor } from '../../shared/retry.ts';
import type { S3Options } from '../config/rejection.ts';
import { destinationError } from '../errors.ts';
import { createRunName, toFileName } from './file-store.ts';
import type { RejectedRowStore } from './rejected-rows.ts';

/** The delays between attempts, in milliseconds. They double from the minimum to the maximum, with random variation. */
const MIN_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 30_000;

const CONTENT_TYPE = 'application/x-ndjson';

/**
 * The objects of one stream: how many were confirmed and how many were spilled, and the keys of each unconfirmed piece.
 */
type StreamObjects = { base: string; confirmed: number; spilled: number; pieces: Map<string, string[]> };

/**
 * Stores rejected rows in an S3-compatible store. It creates an object each time that a state requires rows to be
 * durable: `PATH/STREAM/START-RANDOM-NUMBER.ndjson`. Unconfirmed rows are in objects with `.unconfirmed-` in their
 * name. The store never writes to an object of another run.
 */
export class S3Store implements RejectedRowStore {
  readonly #sdk: S3Library;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #path: string;
  readonly #startedAt: number;
  readonly #retryTimeMs: number;
  readonly #streams = new Map<string, StreamObjects>();

  /**
   * Opens the store. The AWS library is loaded only here, because it is large.
   *
   * @param startedAt milliseconds since the epoch.
   * @param retryTimeMs how long a request is retried while the store is unreachable, in milliseconds.
   * @throws ConnectorError (config_error) if only one of the two options for an access key is set.
   */
  static async open(options: S3Options, startedAt: number, retryTimeMs: number): Promise<S3Store> {
    if ((options.access_key_id === undefined) !== (options.secret_access_key === undefined)) {
      throw destinationError(
        'configuration_invalid',
        'rejected_rows has only one of access_key_id and secret_access_key. Set both, or set neither to use the credentials of this machine.',
      );
    }
    const sdk = await loadS3Library();
    return new S3Store(sdk, new sdk.S3Client(await createClientOptions(options)), options, startedAt, retryTimeMs);
  }

  private constructor(sdk: S3Library, client: S3Client, options: S3Options, startedAt: number, retryTimeMs: number) {
    this.#retryTimeMs = retryTimeMs;
    this.#sdk = sdk;
    this.#client = client;
    this.#bucket = options.s3_bucket_name;
    this.#path = options.bucket_path.replaceAll(/^\/+|\/+$/g, '');
    this.#startedAt = startedAt;
  }

  async checkWritable(): Promise<void> {
    const key = this.#key(`.probe-${createRunName(this.#startedAt)}`);
    await this.#put(key, '{}\n');
    await this.#delete(key);
  }

  async spill(stream: string, piece: string, lines: string): Promise<void> {
    const objects = this.#objectsOf(stream);
    objects.spilled += 1;
    const key = `${objects.base}.unconfirmed-${objects.spilled}.ndjson`;
    await this.#put(key, lines);
    objects.pieces.set(piece, [...(objects.pieces.get(piece) ?? []), key]);
  }

  async confirm(stream: string, pieces: readonly string[], lines: string): Promise<void> {
    const objects = this.#objectsOf(stream);
    for (const piece of pieces) {
      for (const key of objects.pieces.get(piece) ?? []) {
        await this.#copy(key, nextConfirmedKey(objects));
        await this.#delete(key);
      }
      objects.pieces.delete(piece);
    }
    if (lines !== '') await this.#put(nextConfirmedKey(objects), lines);
  }

  locations(): { confirmed: string[]; unconfirmed: string[] } {
    const streams = [...this.#streams.values()];
    const url = (key: string): string => `s3://${this.#bucket}/${key}`;
    return {
      confirmed: streams.flatMap(({ base, confirmed }) => (confirmed === 0 ? [] : [url(`${base}-*.ndjson`)])),
      unconfirmed: streams.flatMap(({ pieces }) => [...pieces.values()].flat().map(url)),
    };
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #objectsOf(stream: string): StreamObjects {
    let objects = this.#streams.get(stream);
    if (objects === undefined) {
      const base = this.#key(`${toFileName(stream)}/${createRunName(this.#startedAt)}`);
      objects = { base, confirmed: 0, spilled: 0, pieces: new Map() };
      this.#streams.set(stream, objects);
    }
    return objects;
  }

  #key(name: string): string {
    return this.#path === '' ? name : `${this.#path}/${name}`;
  }

  async #put(key: string, body: string): Promise<void> {
    const command = new this.#sdk.PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: body,
      ContentType: CONTENT_TYPE,
    });
    await this.#withRetries(() => this.#client.send(command));
  }

  async #copy(from: string, to: string): Promise<void> {
    const source = `${this.#bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
    const command = new this.#sdk.CopyObjectCommand({ Bucket: this.#bucket, Key: to, CopySource: source });
    await this.#withRetries(() => this.#client.send(command));
  }

  async #delete(key: string): Promise<void> {
    const command = new this.#sdk.DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await this.#withRetries(() => this.#client.send(command));
  }

  async #withRetries(work: () => Promise<unknown>): Promise<void> {
    await retryFor(
      {
        forMs: this.#retryTimeMs,
        minDelayMs: MIN_RETRY_DELAY_MS,
        maxDelayMs: MAX_RETRY_DELAY_MS,
        shouldRetry: (error) => error instanceof ConnectorError && error.failureType === 'transient_error',
      },
      async () => {
        try {
          await work();
        } catch (error) {
          throw explainStoreError(this.#bucket, error);
        }
      },
    );
  }
}

/**
 * Returns the key of the next confirmed object. The objects are numbered, so their names sort in the order of the rows.
 */
function nextConfirmedKey(objects: StreamObjects): string {
  objects.confirmed += 1;
  return `${objects.base}-${String(objects.confirmed).padStart(6, '0')}.ndjson`;
}

async function createClientOptions(options: S3Options): Promise<S3ClientConfig> {
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, s3_bucket_region: region } = options;
  const own = accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey };
  const credentials = options.role_arn === undefined ? own : await assumeRole(options.role_arn, region, own);
  return {
    ...commonS3Options(),
    region,
    ...(options.s3_endpoint === undefined ? {} : { endpoint: options.s3_endpoint, forcePathStyle: true }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

async function assumeRole(
  role: string,
  region: string,
  own: { accessKeyId: string; secretAccessKey: string } | undefined,
): Promise<NonNullable<S3ClientConfig['credentials']>> {
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  return fromTemporaryCredentials({
    params: { RoleArn: role, RoleSessionName: 'clickhouse-to-batch' },
    clientConfig: { region, requestHandler: createS3RequestHandler() },
    ...(own === undefined ? {} : { masterCredentials: own }),
  });
}

/** The options of a store, for messages. */
const SETTING_NAMES: S3SettingNames = {
  bucket: 's3_bucket_name',
  endpoint: 's3_endpoint',
  region: 's3_bucket_region',
  accessKey: 'access_key_id',
  secretKey: 'secret_access_key',
  permissions: 's3:PutObject, s3:GetObject and s3:DeleteObject on the path, and sts:AssumeRole if there is a role_arn',
  all: 'the options of rejected_rows',
};

function explainStoreError(bucket: string, error: unknown): ConnectorError {
  const { isLasting, said, meaning } = describeS3Error(error, SETTING_NAMES);
  return destinationError(
    isLasting ? 'rejected_rows_unwritable' : 'rejected_rows_unavailable',
    `Rejected rows can't be written to the bucket ${bucket} (${said}). ${meaning}. The state does not advance past these rows, so the next run reads them again.`,
    { cause: error },
  );
}
