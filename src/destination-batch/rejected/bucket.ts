import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { ConnectorError } from '../../protocol/errors.ts';
import {
  commonS3Options,
  createS3RequestHandler,
  describeS3Error,
  loadS3Library,
  readS3Status,
  type S3Library,
  type S3SettingNames,
} from '../../protocol/network/s3.ts';
import { retryFor } from '../../shared/retry.ts';
import type { S3Options } from '../config/rejection.ts';
import { destinationError } from '../errors.ts';
import type { StorageErrorTexts, StoredFile, StoredFiles } from './stored-files.ts';

/** The delays between attempts, in milliseconds. They double from the minimum to the maximum, with random variation. */
const MIN_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 30_000;

const CONTENT_TYPE = 'application/x-ndjson';

/** The HTTP status of a conditional request whose condition is not met. */
const PRECONDITION_FAILED = 412;

/** The HTTP status with which a store answers if it does not support conditional requests. */
const NOT_IMPLEMENTED = 501;

/** The content of an object, and the ETag of this version. */
export type ObjectVersion = { text: string; etag: string };

/** The objects of `rejected_rows` in an S3-compatible store. The names of objects are relative to bucket_path. */
export class Bucket implements StoredFiles {
  readonly #sdk: S3Library;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #texts: StorageErrorTexts;
  readonly #retryTimeMs: number;

  /**
   * Opens the bucket. The AWS library is loaded only here, because it is large.
   *
   * @param retryTimeMs how long a request is retried while the store is unreachable, in milliseconds.
   * @throws ConnectorError (config_error) if only one of the two options for an access key is set.
   */
  static async open(options: S3Options, retryTimeMs: number, texts: StorageErrorTexts): Promise<Bucket> {
    if ((options.access_key_id === undefined) !== (options.secret_access_key === undefined)) {
      throw destinationError(
        'configuration_invalid',
        'rejected_rows has only one of access_key_id and secret_access_key. Set both, or set neither to use the credentials of this machine.',
      );
    }
    const sdk = await loadS3Library();
    return new Bucket(sdk, new sdk.S3Client(await createClientOptions(options)), options, retryTimeMs, texts);
  }

  private constructor(
    sdk: S3Library,
    client: S3Client,
    options: S3Options,
    retryTimeMs: number,
    texts: StorageErrorTexts,
  ) {
    this.#sdk = sdk;
    this.#client = client;
    this.#bucket = options.s3_bucket_name;
    const path = options.bucket_path.replaceAll(/^\/+|\/+$/g, '');
    this.#prefix = path === '' ? '' : `${path}/`;
    this.#retryTimeMs = retryTimeMs;
    this.#texts = texts;
  }

  urlOf(name: string): string {
    return `s3://${this.#bucket}/${this.#prefix}${name}`;
  }

  async list(): Promise<StoredFile[]> {
    const files: StoredFile[] = [];
    let next: string | undefined;
    do {
      const command = new this.#sdk.ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: this.#prefix,
        ...(next === undefined ? {} : { ContinuationToken: next }),
      });
      const page = await this.#withRetries(() => this.#client.send(command));
      for (const { Key: key = '', Size: bytes = 0 } of page.Contents ?? []) {
        files.push({ name: key.slice(this.#prefix.length), bytes });
      }
      next = page.NextContinuationToken;
    } while (next !== undefined);
    return files;
  }

  /**
   * Reads an object in one piece, so that the read can be retried after a broken connection. The object fits into memory, because
   * no run writes an object of many megabytes.
   */
  async *read(name: string): AsyncGenerator<Uint8Array> {
    const command = new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key: this.#keyOf(name) });
    const bytes = await this.#withRetries(async () => {
      try {
        const { Body: body } = await this.#client.send(command);
        return await body?.transformToByteArray();
      } catch (error) {
        if (error instanceof this.#sdk.NoSuchKey) return undefined;
        throw error;
      }
    });
    if (bytes !== undefined) yield bytes;
  }

  async put(name: string, text: string): Promise<void> {
    const command = new this.#sdk.PutObjectCommand({
      Bucket: this.#bucket,
      Key: this.#keyOf(name),
      Body: text,
      ContentType: CONTENT_TYPE,
    });
    await this.#withRetries(() => this.#client.send(command));
  }

  /** Reads an object with its ETag, which identifies this version; returns undefined if the object does not exist. */
  async readVersion(name: string): Promise<ObjectVersion | undefined> {
    const command = new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key: this.#keyOf(name) });
    return this.#withRetries(async () => {
      try {
        const { Body: body, ETag: etag = '' } = await this.#client.send(command);
        return { text: (await body?.transformToString()) ?? '', etag };
      } catch (error) {
        if (error instanceof this.#sdk.NoSuchKey) return undefined;
        throw error;
      }
    });
  }

  /**
   * Replaces an object if its version is still the one with this ETag. Without an ETag, creates the object if it still does not
   * exist. The text must differ from all earlier texts of the object, so that this process recognises its own write.
   *
   * @returns the new version, or undefined if another process has written the object.
   */
  async replace(name: string, text: string, etag: string | undefined): Promise<ObjectVersion | undefined> {
    const command = new this.#sdk.PutObjectCommand({
      Bucket: this.#bucket,
      Key: this.#keyOf(name),
      Body: text,
      ContentType: CONTENT_TYPE,
      ...(etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag }),
    });
    const written = await this.#withRetries(async () => {
      try {
        const { ETag: version } = await this.#client.send(command);
        if (version === undefined) throw explainMissingConditions();
        return version;
      } catch (error) {
        if (isRefusedCondition(error)) return undefined;
        throw readS3Status(error) === NOT_IMPLEMENTED ? explainMissingConditions() : error;
      }
    });
    if (written !== undefined) return { text, etag: written };
    // An earlier attempt may have succeeded although its response was lost. The object then has this text.
    const current = await this.readVersion(name);
    return current?.text === text ? current : undefined;
  }

  async copy(from: string, to: string): Promise<void> {
    const source = `${this.#bucket}/${this.#keyOf(from).split('/').map(encodeURIComponent).join('/')}`;
    const command = new this.#sdk.CopyObjectCommand({
      Bucket: this.#bucket,
      Key: this.#keyOf(to),
      CopySource: source,
    });
    await this.#withRetries(() => this.#client.send(command));
  }

  async remove(name: string): Promise<void> {
    const command = new this.#sdk.DeleteObjectCommand({ Bucket: this.#bucket, Key: this.#keyOf(name) });
    await this.#withRetries(() => this.#client.send(command));
  }

  /** Removes the object, because nothing is ever appended to an object. */
  async removeUnlessGrown(name: string): Promise<undefined> {
    await this.remove(name);
  }

  close(): void {
    this.#client.destroy();
  }

  #keyOf(name: string): string {
    return `${this.#prefix}${name}`;
  }

  #withRetries<T>(work: () => Promise<T>): Promise<T> {
    return retryFor(
      {
        forMs: this.#retryTimeMs,
        minDelayMs: MIN_RETRY_DELAY_MS,
        maxDelayMs: MAX_RETRY_DELAY_MS,
        shouldRetry: (error) => error instanceof ConnectorError && error.failureType === 'transient_error',
      },
      async () => {
        try {
          return await work();
        } catch (error) {
          throw this.#explain(error);
        }
      },
    );
  }

  #explain(error: unknown): ConnectorError {
    if (error instanceof ConnectorError) return error;
    const { isLasting, said, meaning } = describeS3Error(error, SETTING_NAMES);
    return destinationError(
      isLasting ? 'rejected_rows_unwritable' : 'rejected_rows_unavailable',
      `Rejected rows can't be ${this.#texts.action} the bucket ${this.#bucket} (${said}). ${meaning}. ${this.#texts.consequence}`,
      { cause: error },
    );
  }
}

/**
 * Checks whether a conditional write was refused. If the object of an If-Match does not exist, the error is NoSuchKey (HTTP 404).
 */
function isRefusedCondition(error: unknown): boolean {
  return error instanceof Error && (readS3Status(error) === PRECONDITION_FAILED || error.name === 'NoSuchKey');
}

/** Explains that a store ignores or refuses the conditions of a write. */
export function explainMissingConditions(): ConnectorError {
  return destinationError(
    'rejected_rows_unwritable',
    'The store of the rejected rows does not support conditional writes (If-Match and If-None-Match), so two retries at the same time could send the same rows. Use a later version of the store, or another store.',
  );
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
  permissions:
    's3:PutObject, s3:GetObject and s3:DeleteObject on the path, s3:ListBucket on the bucket for retry, and sts:AssumeRole if there is a role_arn',
  all: 'the options of rejected_rows',
};
