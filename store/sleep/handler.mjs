import { setTimeout as delay } from 'node:timers/promises';

const unitMs = { ms: 1, s: 1000, m: 60_000 };
const longestMs = 300_000;

/** Answers after a while: header `X-Sleep: 500ms`, else `?for=5s`, else the variable `sleep_duration`, else 2 s. */
export default {
  async fetch(request) {
    const query = new URL(request.url).searchParams;
    const text = request.headers.get('x-sleep') ?? query.get('for') ?? process.env.sleep_duration ?? '2s';
    const [, amount, unit] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text) ?? [];
    const ms = Number(amount) * unitMs[unit];
    if (!(ms <= longestMs))
      return new Response(`"${text}" is not a time such as 500ms or 2s, of at most 5m\n`, { status: 400 });
    await delay(ms, undefined, { signal: request.signal });
    return new Response(`slept ${text}\n`);
  },
};
