import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Identity } from './tls-certificate.ts';

type Options = {
  /** Ports of this machine, by host names that only the proxy knows. */
  names: Readonly<Record<string, number>>;
  /** The credentials that it requires, as "user:password". */
  credentials?: string;
  /** What it answers to every request. */
  refusal?: number;
  /** With a certificate, it is reached by HTTPS. */
  identity?: Identity;
};

/** An HTTP proxy that opens connections (CONNECT) and forwards requests, to names that nothing else resolves. */
export class ForwardProxy {
  /** The method and the target of each request that it saw, without a query. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #options: Options;
  readonly #sockets = new Set<Socket>();

  static async start(options: Options): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(options);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(options: Options) {
    this.#options = options;
    this.#server = options.identity === undefined ? createServer() : createTlsServer(options.identity);
    this.#server.on('request', (asked, response) => this.#forward(asked, response));
    this.#server.on('connect', (asked, socket: Socket, head) => this.#connect(asked, socket, head));
  }

  /** Its address, without credentials. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `${this.#options.identity === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect(asked: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#keep(socket);
    const target = new URL(`http://${asked.url}`);
    const status = this.#judge(asked, target);
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const onward = connect(this.#options.names[target.hostname] ?? 0, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    this.#keep(onward);
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  }

  #forward(asked: IncomingMessage, response: ServerResponse): void {
    const target = new URL(asked.url ?? '', 'http://none');
    const status = this.#judge(asked, target);
    if (status !== 200) {
      response.writeHead(status).end('<html>The proxy refuses.</html>');
      return;
    }
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = asked.headers;
    const onward = request({
      port: this.#options.names[target.hostname],
      host: '127.0.0.1',
      method: asked.method,
      path: target.pathname + target.search,
      headers,
    });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    asked.pipe(onward);
  }

  #judge(asked: IncomingMessage, target: URL): number {
    const { credentials, refusal = 200, names } = this.#options;
    this.requests.push(`${asked.method} ${asked.method === 'CONNECT' ? asked.url : target.origin}`);
    const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    if (expected !== asked.headers['proxy-authorization']) return 407;
    return target.hostname in names ? refusal : 502;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
