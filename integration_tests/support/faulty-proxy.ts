import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';

const LINE_FEED = 0x0a;

/** What to do with a request instead of passing its response on; `ask` sends it to the server. */
export type Fault = (response: ServerResponse, ask: () => Promise<IncomingMessage>) => Promise<void> | void;

/** Faults for the first requests that contain these words, one for each, in this order. */
export type Faults = { words: string; faults: Fault[] };

/** Words that only the queries for rows contain. */
export const FOR_ROWS = 'FORMAT TSVRaw';

/** The server is down, or the source has disconnected. The test checks how the source reacts. */
class UnreachableError extends Error {}

/** A proxy between the source and the server that damages responses as a test asks. Other responses are passed on. */
export class FaultyProxy {
  readonly #http: Server;
  readonly #server: ClickHouseServer;
  readonly #faults: readonly Faults[];
  /** How often rows were requested. */
  rowsAsked = 0;
  /** How many responses with rows the source, or a fault, closed before their end. */
  rowsLeft = 0;
  /** The error of a fault that could not be applied. */
  failure: unknown;

  private constructor(server: ClickHouseServer, faults: readonly Faults[]) {
    this.#server = server;
    this.#faults = faults.map(({ words, faults }) => ({ words, faults: [...faults] }));
    this.#http = createServer((incoming, response) => {
      this.#answer(incoming, response).catch((error: unknown) => {
        if (!(error instanceof UnreachableError)) this.failure ??= error;
        response.destroy();
      });
    });
  }

  static async start(server: ClickHouseServer, faults: readonly Faults[] = []): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(server, faults);
    proxy.#http.listen(0, '127.0.0.1');
    await once(proxy.#http, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#http.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }

  /** How many of the faults have not occurred. */
  get faultsLeft(): number {
    return this.#faults.reduce((left, { faults }) => left + faults.length, 0);
  }

  close(): void {
    this.#http.close();
    this.#http.closeAllConnections();
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const question = await buffer(incoming);
    if (question.includes(FOR_ROWS)) {
      this.rowsAsked += 1;
      response.once('close', () => {
        if (!response.writableFinished) this.rowsLeft += 1;
      });
    }
    const fault = this.#faults.find(({ words, faults }) => faults.length > 0 && question.includes(words));
    await (fault?.faults.shift() ?? passOn)(response, () => this.#ask(incoming, question, response));
  }

  async #ask(incoming: IncomingMessage, question: Buffer, response: ServerResponse): Promise<IncomingMessage> {
    const { 'transfer-encoding': _, ...headers } = incoming.headers;
    const asking = request(`${this.#server.url}${incoming.url}`, {
      method: 'POST',
      headers: { ...headers, 'content-length': question.length },
      agent: false,
    });
    // If the source no longer wants the response, the server stops working on it.
    response.once('close', () => asking.destroy());
    asking.end(question);
    try {
      const [answer] = await once(asking, 'response');
      // The test that rethrows it reports it, at the latest.
      answer.on('error', () => {});
      return answer;
    } catch (cause) {
      throw new UnreachableError('The server gives no answer.', { cause });
    }
  }
}

/** Passes a response on as it arrives. */
const passOn: Fault = async (response, ask) => {
  const answer = await ask();
  writeHead(response, answer);
  await pour(answer, response);
};

/** Does something before the request is sent to the server. */
export function after(act: () => Promise<unknown>): Fault {
  return async (response, ask) => {
    await act();
    await passOn(response, ask);
  };
}

/** Passes a response on, and calls a function in the middle of it, after a number of rows. */
export function during(rows: number, act: () => Promise<unknown>): Fault {
  return async (response, ask) => {
    const answer = await ask();
    writeHead(response, answer);
    response.write(await beginningOf(answer, rows, 0));
    await act();
    await pour(answer, response);
  };
}

export type Cut = {
  /** The number of complete rows that are passed on. */
  rows: number;
  /** The number of bytes of the next row that follow. */
  bytes?: number;
  /** Other text that follows. */
  says?: string;
  /** Whether the connection then breaks, or the body ends like a complete one, as in HTTP/1.1 or in HTTP/1.0. */
  by: 'break' | 'chunk' | 'close';
};

/** Passes on only the beginning of a response. */
export function cut({ rows, bytes = 0, says: said = '', by }: Cut): Fault {
  return async (response, ask) => {
    const answer = await ask();
    const beginning = Buffer.concat([await beginningOf(answer, rows, bytes), Buffer.from(said)]);
    if (by === 'close') {
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
    }
    writeHead(response, answer);
    if (by === 'break') response.write(beginning, () => response.socket?.destroySoon());
    else response.end(beginning);
  };
}

/** Passes a number of rows on and then no more, until the source closes the connection. */
export function stopsAfter(rows: number): Fault {
  return async (response, ask) => {
    const answer = await ask();
    writeHead(response, answer);
    response.write(await beginningOf(answer, rows, 0));
    await once(response, 'close');
  };
}

/** Passes a response on in separate pieces that begin and end anywhere. */
export function inPieces(random: () => number): Fault {
  return async (response, ask) => {
    const answer = await ask();
    writeHead(response, answer);
    for await (const chunk of answer) {
      for (let start = 0; start < chunk.length; ) {
        // Mostly short ones, because the borders matter.
        const end = start + 1 + Math.floor(random() ** 4 * 100_000);
        response.write(chunk.subarray(start, end));
        await nextTurn();
        start = end;
      }
    }
    response.end();
  };
}

/** Answers by itself, as a proxy does that can't reach its server. */
export function says(status: number, body: string): Fault {
  return (response) => {
    response.writeHead(status, { 'content-type': 'text/html' }).end(body);
  };
}

/** Does something, and then breaks the connection before a response. */
export function breaksAfter(act: () => Promise<unknown>): Fault {
  return async (response) => {
    await act();
    response.destroy();
  };
}

function writeHead(response: ServerResponse, answer: IncomingMessage): void {
  const { 'transfer-encoding': _, connection: __, 'keep-alive': ___, ...headers } = answer.headers;
  response.writeHead(answer.statusCode ?? 0, headers);
}

/** Passes on the rest of a response, with its end, whether successful or not. */
async function pour(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  // Not piped: bytes that wait for a slow reader would be lost when the server then cuts the connection.
  answer.on('data', (chunk) => response.write(chunk));
  answer.once('end', () => response.end());
  const breakOff = (): void => void response.write('', () => response.socket?.destroySoon());
  if (answer.errored === null) answer.once('error', breakOff);
  else breakOff();
  await once(response, 'close');
}

/** Reads complete rows, and bytes of the next one, from a response, and no more. */
async function beginningOf(answer: IncomingMessage, rows: number, bytes: number): Promise<Buffer> {
  const taken: Buffer[] = [];
  let rowsLeft = rows;
  let bytesLeft = bytes;
  for await (const chunk of answer.iterator({ destroyOnReturn: false })) {
    let end = 0;
    for (; rowsLeft > 0; rowsLeft--) {
      const lineFeed = chunk.indexOf(LINE_FEED, end);
      if (lineFeed === -1) break;
      end = lineFeed + 1;
    }
    const whole = rowsLeft > 0 ? chunk.length : Math.min(chunk.length, end + bytesLeft);
    if (rowsLeft === 0) bytesLeft -= whole - end;
    taken.push(chunk.subarray(0, whole));
    if (rowsLeft > 0 || bytesLeft > 0) continue;
    answer.unshift(chunk.subarray(whole));
    return Buffer.concat(taken);
  }
  throw new Error(`The answer is too short for ${rows} rows.`);
}
