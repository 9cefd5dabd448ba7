import { join } from 'node:path';
import { serve } from '../../../test/support/node-runtime.ts';
import { transportConformance } from './conformance.ts';
import { createFrameTransport } from './frame.ts';

/** The behaviours of the suite as a function in the real Node runtime; a web handler has no trailers. */
const handler = `
const counts = { canceled: 0, flooded: 0 };
const bytes = (text) => new TextEncoder().encode(text);
const aborted = (signal) => new Promise((resolve) => signal.addEventListener('abort', resolve));
const after = (first, rest) => new ReadableStream({ start(controller) { controller.enqueue(bytes(first)); }, pull: rest }, { highWaterMark: 0 });
const answers = {
  async '/echo'(request, url) {
    const body = await request.bytes();
    const headers = new Headers({ 'x-method': request.method, 'x-target': url.pathname + url.search, 'content-length': String(body.length) });
    headers.set('x-seen', (request.headers.get('x-sent') ?? '').split(', ').join('|'));
    for (const cookie of ['a=1', 'b=2']) headers.append('set-cookie', cookie);
    return new Response(body, { headers });
  },
  async '/upload'(request) {
    let size = 0;
    for await (const chunk of request.body) size += chunk.length;
    return new Response(String(size));
  },
  '/empty': () => new Response(null, { status: 204 }),
  '/big': () => new Response('b'.repeat(2 ** 20), { headers: { 'content-length': String(2 ** 20) } }),
  async '/never'(request, url, signal) { await aborted(signal); return new Response(); },
  '/ticks': (request, url, signal) => new Response(after('tick', () => aborted(signal))),
  '/flood': () => new Response(new ReadableStream({ pull(controller) { counts.flooded += 16384; controller.enqueue(new Uint8Array(16384)); } })),
  '/flooded': () => new Response(String(counts.flooded)),
  '/canceled': () => new Response(String(counts.canceled)),
  '/die-before': () => process.exit(0),
  '/die-midway': () => new Response(after('half', () => new Promise(() => setTimeout(process.exit, 20)))),
};
export default {
  fetch(request, { signal }) {
    const url = new URL(request.url);
    signal.addEventListener('abort', () => { counts.canceled += 1; });
    return answers[url.pathname](request, url, signal);
  },
};`;

transportConformance('frame', async (t) => {
  const { runtime, transport } = await serve(t, handler, { file: 'handler.mjs', concurrency: 100 });
  const socketPath = join(runtime.dir, 'nobody');
  return { transport, unreachable: createFrameTransport({ address: { kind: 'frame', socketPath } }), trailers: false };
});
