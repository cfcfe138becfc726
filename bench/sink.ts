import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { say } from '../sandbox/say.ts';

/**
 * A process that imitates a Batch API without rules or a rate limit: it reads requests, stores nothing, and answers success
 * at once or, with a number of seconds as argument, only when it has run for that time. Its first line is its address.
 * A GET is answered with the number of posts so far.
 */
const silentMs = Number(process.argv[2] ?? 0) * 1000;
const answersFrom = Date.now() + silentMs;
let posts = 0;

const server = createServer((request, response) => {
  request.resume();
  if (request.method === 'GET') {
    response.end(String(posts));
    return;
  }
  posts += 1;
  request.on('end', () => {
    const answer = (): void => {
      response.writeHead(202, { 'content-type': 'application/json' }).end('{"code":"SUCCESS"}');
    };
    const wait = answersFrom - Date.now();
    if (wait > 0) setTimeout(answer, wait);
    else answer();
  });
});
server.listen(0, '127.0.0.1', () => say(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
