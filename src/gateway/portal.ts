import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { TinderboxError } from '../model/errors.ts';
import { createServer } from '../model/node-http.ts';
import { listenOn } from './listen.ts';

/** What the portal serves and whom it asks. */
export interface PortalOptions {
  readonly host: string;
  readonly port: number;
  /** Folder with `index.html` and `app.js`. */
  readonly directory: string;
  readonly authorize: (authorization: string | undefined) => boolean;
  /** The control plane, for `/system/…` of this origin. */
  readonly control: RequestListener;
  /** Port functions are called at; asked at each request, for it is known only once the gateway listens. */
  readonly functionsPort: () => number;
}

export interface Portal {
  readonly port: number;
  close(): Promise<void>;
}

const files: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/app.js': ['app.js', 'text/javascript; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};

const unauthorized = `invalid credentials
The user is admin unless --user says otherwise; "tinderbox up" prints which file holds the password.
`;

/**
 * The portal on an origin of its own, since functions serve untrusted pages on the other one. Everything on it needs
 * the password. A page of another site can link to it, but neither ask it for anything (Sec-Fetch-Site), nor frame it,
 * nor keep a hand on its window; and it loads nothing foreign.
 */
export async function startPortal(options: PortalOptions): Promise<Portal> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch(() => response.destroy());
  });
  const port = await listenOn(server, options.host, options.port, '--portal-port');
  return {
    port,
    async close() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(options: PortalOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('Content-Security-Policy', "default-src 'self'; frame-ancestors 'none'");
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  if (!options.authorize(request.headers.authorization)) {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="Tinderbox"' }).end(unauthorized);
    return;
  }
  if (!comesFromHere(request)) {
    response.writeHead(403).end('requests from other sites are refused\n');
    return;
  }
  if (request.url?.startsWith('/system/') === true) {
    options.control(request, response);
    return;
  }
  if (request.url === '/config.json') {
    response
      .setHeader('Content-Type', 'application/json')
      .end(JSON.stringify({ functionsPort: options.functionsPort() }));
    return;
  }
  const file = files[(request.url ?? '').split('?')[0] ?? ''];
  if (file === undefined || request.method !== 'GET') {
    response.writeHead(404).end('not found\n');
    return;
  }
  response.setHeader('Content-Type', file[1]).end(await readPage(options.directory, file[0]));
}

/** From this origin, typed by a person, from a program, or a link followed to the page itself, which changes nothing. */
function comesFromHere({ headers, method, url }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  return method === 'GET' && url === '/' && headers['sec-fetch-dest'] === 'document';
}

async function readPage(directory: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(directory, file));
  } catch (error) {
    throw new TinderboxError('internal', `the portal's ${file} cannot be read`, { cause: error });
  }
}
