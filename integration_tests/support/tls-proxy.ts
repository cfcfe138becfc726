import { once } from 'node:events';
import { connect } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';

export type TlsProxy = { port: number; names: (string | false)[]; close: () => void };

/** Terminates TLS on a free port of this machine and forwards to a port without TLS. `names` are the requested ones (SNI). */
export async function tlsProxy(options: TlsOptions, target: number): Promise<TlsProxy> {
  const names: (string | false)[] = [];
  const server = createServer(options, (secure) => {
    names.push(secure.servername ?? false);
    const plain = connect(target, '127.0.0.1');
    secure.pipe(plain).pipe(secure);
    secure.on('error', () => plain.destroy());
    plain.on('error', () => secure.destroy());
    secure.on('close', () => plain.destroy());
    plain.on('close', () => secure.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, names, close: () => server.close() };
}
