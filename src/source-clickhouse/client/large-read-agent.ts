import { Agent, type ClientRequestArgs } from 'node:http';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The maximum size of a read, in bytes. By default, Node reads at most 64 KiB from a socket. */
export const READ_BYTES = 256 * 1024;

/** The size of the blocks that are allocated for reads, in bytes. Reads fill a block from its start to its end. */
const BLOCK_BYTES = 4 * READ_BYTES;

/**
 * Opens connections that read larger chunks. Most of Node's CPU time for a response depends on the number of chunks, because each
 * chunk costs events, a buffer and a call of the HTTP parser. With larger chunks, a read takes a quarter less CPU time.
 *
 * No byte of a block is read into twice. So a chunk stays valid, even if Node passes it on without a copy.
 */
export class LargeReadAgent extends Agent {
  override createConnection(options: ClientRequestArgs): Duplex {
    let block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    let used = 0;
    const nextBuffer = (): Buffer => {
      if (block.length - used < READ_BYTES) {
        block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
        used = 0;
      }
      return block.subarray(used, used + READ_BYTES);
    };
    const onRead = (bytes: number, buffer: Uint8Array): boolean => {
      used += bytes;
      // A socket with `onread` doesn't emit this event itself, but Node's HTTP client listens to it.
      socket.emit('data', buffer.subarray(0, bytes));
      return true;
    };
    // The agent passes the options of a socket, but their type only has the options of a request.
    const socket: Socket = connect({
      ...(options as NetConnectOpts),
      onread: { buffer: nextBuffer, callback: onRead },
    });
    return socket;
  }
}
