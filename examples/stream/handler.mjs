import { setTimeout as delay } from 'node:timers/promises';

async function* count(signal) {
  for (let second = 1; second <= 5; second += 1) {
    yield `${second}\n`;
    await delay(200, undefined, { signal });
  }
}

export default {
  fetch: (_request, context) =>
    new Response(ReadableStream.from(count(context.signal)).pipeThrough(new TextEncoderStream()), {
      headers: { 'content-type': 'text/plain' },
    }),
};
