import type { Buffer } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance, FastifyReply } from 'fastify';

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Excludes paths to other folders and hidden files. */
const FILE_NAME = /^[a-z-]+\.([a-z]+)$/;

/** The page shows untrusted data, which must not be able to run, load or send anything. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

/** Adds the page that shows the sandbox in a browser. It needs no key, like the routes that it reads. */
export function addPageRoutes(app: FastifyInstance): void {
  app.get('/', (_request, reply) => sendFile(reply, 'index.html'));
  app.get<{ Params: { file: string } }>('/_sandbox/page/:file', (request, reply) =>
    sendFile(reply, request.params.file),
  );
}

/** Reads the file each time, so the sandbox keeps nothing of the page in memory. */
async function sendFile(reply: FastifyReply, name: string): Promise<FastifyReply> {
  const [, extension = ''] = FILE_NAME.exec(name) ?? [];
  const type = TYPES[extension];
  const content = type === undefined ? undefined : await readPageFile(name);
  if (type === undefined || content === undefined) {
    reply.callNotFound();
    return reply;
  }
  return reply.headers(HEADERS).type(type).send(content);
}

async function readPageFile(name: string): Promise<Buffer | undefined> {
  try {
    return await readFile(new URL(`./page/${name}`, import.meta.url));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
