import { join } from 'node:path';
import { serve } from '../../../test/support/node-runtime.ts';
import { placeOf } from '../../../test/support/place-of.ts';
import { servePython } from '../../../test/support/python-runtime.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { trailersConform, transportConformance } from './conformance.ts';
import { createFrameTransport } from './frame.ts';

/** The suite's behaviours as a function in the real Node runtime, in a process of its own. */
const handler = `
const counts = { canceled: 0, flooded: 0 };
const encoder = new TextEncoder();
const open = (request, first) => new Response(new ReadableStream({
  start(controller) { if (first !== undefined) controller.enqueue(encoder.encode(first)); },
  cancel() { counts.canceled += 1; },
}));
const answers = {
  '/echo': async (request) => {
    const headers = new Headers({ 'x-method': request.method, 'x-target': target(request) });
    headers.set('x-seen', (request.headers.get('x-sent') ?? '').replaceAll(', ', '|'));
    headers.append('set-cookie', 'a=1');
    headers.append('set-cookie', 'b=2');
    return new Response(await request.arrayBuffer(), { headers });
  },
  '/upload': async (request) => {
    let bytes = 0;
    try {
      for await (const chunk of request.body ?? []) bytes += chunk.length;
    } catch (error) {
      counts.canceled += 1;
      throw error;
    }
    return new Response(String(bytes));
  },
  '/empty': () => new Response(null, { status: 204 }),
  '/big': () => new Response('b'.repeat(2 ** 20), { headers: { 'content-length': String(2 ** 20) } }),
  '/never': (_request, context) => new Promise((resolve) => {
    context.signal.addEventListener('abort', () => { counts.canceled += 1; resolve(new Response('late')); });
  }),
  '/ticks': (request) => open(request, 'tick'),
  '/flood': () => new Response(new ReadableStream({
    pull(controller) { counts.flooded += 16384; controller.enqueue(new Uint8Array(16384)); },
    cancel() { counts.canceled += 1; },
  })),
  '/flooded': () => new Response(String(counts.flooded)),
  '/canceled': () => new Response(String(counts.canceled)),
  '/die-before': () => process.kill(process.pid, 'SIGKILL'),
  '/die-midway': (request) => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100);
    return open(request, 'half');
  },
};
const target = (request) => request.url.slice(new URL(request.url).origin.length);
export default { fetch: (request, context) => answers[new URL(request.url).pathname](request, context) };
`;

transportConformance('frame', async (t) => {
  const { transport } = await serve(t, handler, { file: 'handler.mjs', concurrency: 100 });
  const nobody = placeOf(join(tempDir(t), 'nobody'));
  return { transport, unreachable: createFrameTransport({ address: nobody }) };
});

/** The Python runtime's apps have trailers. */
const app = `
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
    await send({"type": "http.response.body", "body": b"body"})
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"42")]})
`;

trailersConform('frame', async (t) => (await servePython(t, app)).transport);
