import type { Buffer } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance, FastifyReply } from 'fastify';

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** No path that leads elsewhere, nor a hidden file, is such a name. */
const FILE_NAME = /^[a-z-]+\.([a-z]+)$/;

/** What is shown came from elsewhere: nothing of it may run, load or send anything, however it got into the page. */
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

/** The page that shows the sandbox to a person with a browser. It asks for no key, as the routes that it looks at don't. */
export function addPageRoutes(app: FastifyInstance): void {
  app.get('/', (_request, reply) => sendFile(reply, 'index.html'));
  app.get<{ Params: { file: string } }>('/_sandbox/page/:file', (request, reply) =>
    sendFile(reply, request.params.file),
  );
}

/** Reads it each time: of the page, the sandbox keeps nothing while nobody looks. */
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
