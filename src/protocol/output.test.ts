import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { log } from './messages.ts';
import { MessageOutput, OutputClosedError } from './output.ts';
import { forgetSecrets, registerSecrets } from './secrets.ts';

afterEach(forgetSecrets);

/** A reader that takes one chunk each time it is asked to. */
class SlowReader extends Writable {
  readonly taken: Buffer[] = [];
  #next: ((error?: Error) => void) | undefined;

  constructor(highWaterMark = 1) {
    super({ highWaterMark });
  }

  override _write(chunk: Buffer, _: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.taken.push(chunk);
    this.#next = callback;
  }

  take(): void {
    this.#next?.();
  }

  /** Fails as a closed pipe does. */
  goAway(): void {
    this.#next?.(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  }

  get text(): string {
    return Buffer.concat(this.taken).toString();
  }
}

/** A reader that takes everything at once. */
function quickReader(): { stream: Writable; bytes: () => Buffer } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, callback) {
      chunks.push(chunk);
      callback();
    },
  });
  return { stream, bytes: () => Buffer.concat(chunks) };
}

/** Whether a promise is settled once everything that can run has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  await nextTurn();
  await nextTurn();
  return settled;
}

/** How a promise ended, or "still waiting". */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  if (!(await isSettled(promise))) return 'still waiting';
  return promise.catch((error: unknown) => error);
}

test('writes a message as one line of JSON', async () => {
  const { stream, bytes } = quickReader();
  const output = new MessageOutput(stream);
  await output.write(log('INFO', 'two\nlines, "quotes" and é'));
  await output.write(log('DEBUG', 'next'));
  expect(bytes().toString()).toBe(
    '{"type":"LOG","log":{"level":"INFO","message":"two\\nlines, \\"quotes\\" and é"}}\n{"type":"LOG","log":{"level":"DEBUG","message":"next"}}\n',
  );
});

test('writeOut resolves only when the reader has taken the bytes, even if the stream could buffer them', async () => {
  const reader = new SlowReader(1_000_000);
  const output = new MessageOutput(reader);
  expect(await outcome(output.writeBytes(Buffer.from('a')))).toBeUndefined();
  const written = output.writeOut(Buffer.from('b'));
  expect(await isSettled(written)).toBe(false);
  reader.take();
  expect(await isSettled(written)).toBe(false);
  reader.take();
  expect(await outcome(written)).toBeUndefined();
  expect(reader.text).toBe('ab');

  const unread = output.writeOut(Buffer.from('c'));
  expect(output.readerGone.aborted).toBe(false);
  reader.goAway();
  expect(await outcome(unread)).toBeInstanceOf(OutputClosedError);
  expect(output.readerGone.aborted).toBe(true);
  expect(await outcome(output.writeOut(Buffer.from('d')))).toBeInstanceOf(OutputClosedError);
});

test('writeBytes passes bytes on unchanged, also invalid UTF-8 and secrets', async () => {
  const { stream, bytes } = quickReader();
  const output = new MessageOutput(stream);
  registerSecrets(['secret-1']);
  const line = Buffer.from([0xff, 0x00, 0xe2, 0x82, 0x0a]);
  await output.writeBytes(line);
  await output.writeBytes('{"data":"secret-1"}\n');
  expect(bytes()).toEqual(Buffer.concat([line, Buffer.from('{"data":"secret-1"}\n')]));
});

describe('a slow reader', () => {
  test('slows the writer down (backpressure)', async () => {
    const reader = new SlowReader();
    const writing = new MessageOutput(reader).writeBytes('first\n');
    expect(await isSettled(writing)).toBe(false);
    reader.take();
    expect(await isSettled(writing)).toBe(true);
    await writing;
    expect(reader.text).toBe('first\n');
  });

  test('slows down messages as well as bytes', async () => {
    const reader = new SlowReader();
    const writing = new MessageOutput(reader).write(log('INFO', 'x'));
    expect(await isSettled(writing)).toBe(false);
    reader.take();
    expect(await isSettled(writing)).toBe(true);
  });

  test('does not slow the writer down while the buffer has space', async () => {
    const output = new MessageOutput(new SlowReader(1000));
    expect(await isSettled(output.writeBytes('first\n'))).toBe(true);
    expect(await isSettled(output.writeBytes('second\n'))).toBe(true);
  });

  test('receives the writes of several writers in order', async () => {
    const reader = new SlowReader();
    const output = new MessageOutput(reader);
    const writing = ['a\n', 'b\n', 'c\n'].map((line) => output.writeBytes(line));
    for (const _ of writing) {
      reader.take();
      await nextTurn();
    }
    await Promise.all(writing);
    expect(reader.text).toBe('a\nb\nc\n');
  });
});

describe('a reader that is gone', () => {
  test('rejects the write that waits', async () => {
    const reader = new SlowReader();
    const writing = new MessageOutput(reader).writeBytes('first\n');
    reader.goAway();
    const error = await outcome(writing);
    expect(error).toBeInstanceOf(OutputClosedError);
    expect((error as OutputClosedError).cause).toMatchObject({ code: 'EPIPE' });
  });

  test('rejects every later write', async () => {
    const reader = new SlowReader(1000);
    const output = new MessageOutput(reader);
    await output.writeBytes('taken\n');
    reader.goAway();
    await nextTurn();
    await expect(output.writeBytes('more\n')).rejects.toBeInstanceOf(OutputClosedError);
    await expect(output.write(log('INFO', 'more'))).rejects.toBeInstanceOf(OutputClosedError);
  });

  test('is detected when the stream closes without an error', async () => {
    const reader = new SlowReader();
    const output = new MessageOutput(reader);
    const writing = output.writeBytes('first\n');
    reader.destroy();
    expect(await outcome(writing)).toBeInstanceOf(OutputClosedError);
    expect(await outcome(output.writeBytes('more\n'))).toBeInstanceOf(OutputClosedError);
  });

  test('does not delay the end of the program', async () => {
    const reader = new SlowReader(1000);
    const output = new MessageOutput(reader);
    await output.writeBytes('taken\n');
    reader.goAway();
    const flushing = output.flushed();
    expect(await isSettled(flushing)).toBe(true);
    expect(await isSettled(output.flushed())).toBe(true);
  });
});

test('flushed resolves when the reader has taken everything', async () => {
  const reader = new SlowReader(1000);
  const output = new MessageOutput(reader);
  await output.writeBytes('first\n');
  const flushing = output.flushed();
  expect(await isSettled(flushing)).toBe(false);
  reader.take();
  await nextTurn();
  // The empty chunk after it.
  reader.take();
  expect(await isSettled(flushing)).toBe(true);
});

describe('secrets', () => {
  async function written(message: Parameters<MessageOutput['write']>[0], ...secrets: string[]): Promise<unknown> {
    const { stream, bytes } = quickReader();
    const output = new MessageOutput(stream);
    registerSecrets(secrets);
    await output.write(message);
    return JSON.parse(bytes().toString());
  }

  test('are masked in logs', async () => {
    expect(await written(log('ERROR', 'refused: hunter2/xyz'), 'hunter2/xyz')).toEqual({
      type: 'LOG',
      log: { level: 'ERROR', message: 'refused: ****' },
    });
  });

  test('are masked in every text of an error', async () => {
    const message = await written(
      {
        type: 'TRACE',
        trace: {
          type: 'ERROR',
          emitted_at: 42,
          error: {
            message: 'a hunter2-x',
            internal_message: 'b hunter2-x',
            stack_trace: 'at c hunter2-x',
            failure_type: 'system_error',
          },
        },
      },
      'hunter2-x',
      '42',
    );
    expect(message).toEqual({
      type: 'TRACE',
      trace: {
        type: 'ERROR',
        emitted_at: 42,
        error: {
          message: 'a ****',
          internal_message: 'b ****',
          stack_trace: 'at c ****',
          failure_type: 'system_error',
        },
      },
    });
  });

  test('are masked in a connection status', async () => {
    const status = { status: 'FAILED', message: 'not hunter2-x' } as const;
    expect(await written({ type: 'CONNECTION_STATUS', connectionStatus: status }, 'hunter2-x')).toEqual({
      type: 'CONNECTION_STATUS',
      connectionStatus: { status: 'FAILED', message: 'not ****' },
    });
  });

  test('are masked from the moment they are registered', async () => {
    const { stream, bytes } = quickReader();
    const output = new MessageOutput(stream);
    await output.write(log('INFO', 'a word-of-2024'));
    registerSecrets(['word-of-2024']);
    await output.write(log('INFO', 'a word-of-2024'));
    expect(
      bytes()
        .toString()
        .match(/"message":"[^"]*"/g),
    ).toEqual(['"message":"a word-of-2024"', '"message":"a ****"']);
  });

  test('that are words of the protocol leave the message valid', async () => {
    expect(await written(log('INFO', 'as INFO'), 'INFO', 'LOG')).toEqual({
      type: 'LOG',
      log: { level: 'INFO', message: 'as INFO' },
    });
  });

  test('that are the name of a table, a column or a database leave the catalog valid', async () => {
    const catalog = {
      streams: [
        {
          name: 'events',
          namespace: 'default',
          json_schema: { type: 'object', properties: { name: { type: 'string' } } },
          supported_sync_modes: ['incremental' as const],
          source_defined_cursor: true,
          default_cursor_field: ['last_updated_at'],
          is_resumable: true,
        },
      ],
    };
    expect(await written({ type: 'CATALOG', catalog }, 'default', 'events', 'string')).toEqual({
      type: 'CATALOG',
      catalog,
    });
  });
});
