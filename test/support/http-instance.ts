import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';

/** What a transport's conformance suite asks of an instance, as an HTTP server; see transport/conformance.ts. */
export interface HttpInstance {
  readonly port: number;
  readonly server: Server;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTP server on a free port, closed with the test. */
export async function startServer(t: TestContext, answer: Answer): Promise<HttpInstance> {
  const server = createServer(answer);
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  t.after(
    () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

/** The behaviours of the suite. */
export function startHttpInstance(t: TestContext): Promise<HttpInstance> {
  const counts = { canceled: 0, flooded: 0 };
  const answers: Record<string, Answer> = {
    '/echo': echo,
    '/upload': upload,
    '/big': (_request, response) => response.setHeader('Content-Length', 2 ** 20).end(Buffer.alloc(2 ** 20, 'b')),
    '/empty': (_request, response) => response.writeHead(204).end(),
    '/unicode-header': (_request, response) => response.setHeader('X-Text', 'caf\u00e9').end('ok'),
    '/trailers': trailers,
    '/never': () => {},
    '/ticks': (_request, response) => void response.write('tick'),
    '/flood': (_request, response) => flood(response, counts),
    '/flooded': (_request, response) => response.end(String(counts.flooded)),
    '/canceled': (_request, response) => response.end(String(counts.canceled)),
    '/die-before': (request) => request.socket.destroy(),
    '/die-midway': dieMidway,
  };
  return startServer(t, (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    response.on('close', () => {
      if (!response.writableFinished) counts.canceled += 1;
    });
    (answers[path] ?? notFound)(request, response);
  });
}

const notFound: Answer = (_request, response) => void response.writeHead(404).end('no such behaviour');

function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    response.setHeader('X-Method', request.method ?? '').setHeader('X-Target', request.url ?? '');
    response.setHeader('X-Seen', request.headersDistinct['x-sent']?.join('|') ?? '');
    response.setHeader('Set-Cookie', ['a=1', 'b=2']).setHeader('Content-Length', body.length);
    response.end(body);
  });
}

function upload(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on('end', () => response.end(String(bytes)));
}

function trailers(_request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Trailer', 'X-Sum');
  response.write('body');
  response.addTrailers({ 'X-Sum': '42' });
  response.end();
}

function flood(response: ServerResponse, counts: { flooded: number }): void {
  const chunk = Buffer.alloc(16 * 1024);
  const more = (): void => {
    while (!response.destroyed) {
      counts.flooded += chunk.length;
      if (!response.write(chunk)) break;
    }
  };
  response.on('drain', more);
  more();
}

function dieMidway(request: IncomingMessage, response: ServerResponse): void {
  response.write('half', () => {
    setImmediate(() => request.socket.destroy());
  });
}
