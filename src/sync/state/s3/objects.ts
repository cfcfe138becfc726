import { z } from 'zod';
import { ConnectorError } from '../../../protocol/errors.ts';
import { readS3Status } from '../../../protocol/network/s3.ts';
import { retryFor } from '../../../shared/retry.ts';
import { type ConfiguredClient, explainMissingConditions, explainS3Error } from './client.ts';
import type { S3Location } from './location.ts';

/** The HTTP status if the condition of a write is not met. */
const PRECONDITION_FAILED = 412;

/** The HTTP status if the store does not support the condition of a write. */
const NOT_IMPLEMENTED = 501;

/**
 * How long most requests are repeated while the store can't be reached, in milliseconds. This is short, because little is lost: a
 * run that has not started can start later.
 */
const BRIEF_RETRY_MS = 10_000;

/**
 * How long the write of a state is repeated while the store can't be reached, in milliseconds. This is longer, because rows that
 * no saved state covers are sent again.
 */
const PATIENT_RETRY_MS = 40_000;

/** The delays between attempts, in milliseconds. They double from the minimum to the maximum, with random variation. */
const MIN_RETRY_DELAY_MS = 250;
const MAX_RETRY_DELAY_MS = 5_000;

/** An object. The ETag identifies this version of its content. */
export type StoredObject = {
  text: string;
  etag: string;
  /**
   * How long ago it was written, in milliseconds, by the clock of the store; undefined if the store doesn't say. The servers of a
   * store have several clocks, so no decision may depend on this age.
   */
  ageMs: number | undefined;
};

/** The condition of a write: the object does not exist, or is still the version with this ETag. */
export type WriteCondition = { kind: 'absent' } | { kind: 'unchanged'; etag: string };

/** The result of a conditional write. */
export type WriteResult = { kind: 'written'; etag: string } | { kind: 'refused' };

/** Objects in a bucket. */
export type Objects = {
  /** Reads an object; returns undefined if it doesn't exist. @throws ConnectorError */
  read: (key: string) => Promise<StoredObject | undefined>;
  /**
   * Writes an object if the condition is met. The write may also have happened if this throws a transient_error.
   *
   * @throws ConnectorError
   */
  write: (key: string, text: string, condition: WriteCondition) => Promise<WriteResult>;
};

/** Repeats requests for 10 s while the store can't be reached. @param stop aborting it ends the attempts. */
export function retryBriefly<T>(work: () => Promise<T>, stop?: AbortSignal): Promise<T> {
  return retryRequests(BRIEF_RETRY_MS, work, stop);
}

/** Repeats requests for 40 s while the store can't be reached. */
export function retryPatiently<T>(work: () => Promise<T>): Promise<T> {
  return retryRequests(PATIENT_RETRY_MS, work);
}

function retryRequests<T>(forMs: number, work: () => Promise<T>, stop?: AbortSignal): Promise<T> {
  return retryFor(
    {
      forMs,
      minDelayMs: MIN_RETRY_DELAY_MS,
      maxDelayMs: MAX_RETRY_DELAY_MS,
      ...(stop === undefined ? {} : { signal: stop }),
      shouldRetry: (error) => error instanceof ConnectorError && error.failureType === 'transient_error',
    },
    work,
  );
}

/** The objects of an S3-compatible store. Each method sends one request. */
export class S3Objects implements Objects {
  readonly #configured: ConfiguredClient;
  readonly #location: S3Location;
  readonly #timeoutMs: number;

  /** @param timeoutMs the maximum duration of a request and its response, in milliseconds. */
  constructor(configured: ConfiguredClient, location: S3Location, timeoutMs: number) {
    this.#configured = configured;
    this.#location = location;
    this.#timeoutMs = timeoutMs;
  }

  read(key: string): Promise<StoredObject | undefined> {
    const { library, client } = this.#configured;
    return this.#inTime(async (abortSignal) => {
      const command = new library.GetObjectCommand({ Bucket: this.#location.bucket, Key: key });
      let date: number | undefined;
      command.middlewareStack.add(
        (next) => async (args) => {
          const result = await next(args);
          date = readDate(result.response);
          return result;
        },
        { step: 'deserialize', priority: 'high' },
      );
      try {
        const { Body, ETag: etag = '', LastModified } = await client.send(command, { abortSignal });
        const text = (await Body?.transformToString()) ?? '';
        return {
          text,
          etag,
          ageMs: date === undefined || LastModified === undefined ? undefined : date - LastModified.getTime(),
        };
      } catch (error) {
        if (isNamed(error, 'NoSuchKey')) return undefined;
        throw error;
      }
    });
  }

  write(key: string, text: string, condition: WriteCondition): Promise<WriteResult> {
    const { library, client } = this.#configured;
    return this.#inTime(async (abortSignal) => {
      const command = new library.PutObjectCommand({
        Bucket: this.#location.bucket,
        Key: key,
        Body: text,
        ContentType: 'application/json',
        ...(condition.kind === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.etag }),
      });
      try {
        const { ETag: etag } = await client.send(command, { abortSignal });
        if (etag === undefined) throw explainMissingConditions(this.#location.url);
        return { kind: 'written', etag };
      } catch (error) {
        const status = readS3Status(error);
        if (status === PRECONDITION_FAILED) return { kind: 'refused' };
        // This is the response to If-Match for an object that does not exist.
        if (condition.kind === 'unchanged' && isNamed(error, 'NoSuchKey')) return { kind: 'refused' };
        if (status === NOT_IMPLEMENTED) throw explainMissingConditions(this.#location.url, error);
        throw error;
      }
    });
  }

  /** Explains errors, and fails if the work takes too long. The library limits only some parts of a request. */
  async #inTime<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    const timeout = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      return await Promise.race([work(signal), timeout]);
    } catch (error) {
      throw explainS3Error(this.#location.url, signal.aborted ? signal.reason : error);
    }
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

const responseSchema = z.object({ headers: z.object({ date: z.string() }) });

/** Reads the time in the Date header of a response, in milliseconds since the epoch. */
function readDate(response: unknown): number | undefined {
  const { data } = responseSchema.safeParse(response);
  const date = data === undefined ? Number.NaN : Date.parse(data.headers.date);
  return Number.isNaN(date) ? undefined : date;
}
