import { fetchUrl } from './fetch-url.mjs';
import { createGuard, Refusal } from './guard.mjs';

const maxUrls = 20;
const maxBytes = Number(process.env.max_bytes ?? 5 * 1024 * 1024);
const timeoutMs = Number(process.env.timeout_seconds ?? 10) * 1000;

/**
 * Two functions of the store in one source. `answer=body` passes on what one URL answers; `answer=report` says of up to 20
 * URLs, one a line, whether and how fast they answer. What may be reached: see guard.mjs.
 */
export default {
  async fetch(request) {
    const guard = createGuard(process.env);
    const text = (await request.text()).trim();
    try {
      return process.env.answer === 'report'
        ? await report(text, guard, request.signal)
        : await pass(text, guard, request.signal);
    } catch (error) {
      if (error instanceof Refusal) return plain(error.status, error.message);
      return plain(502, `no answer: ${reasonOf(error)}`);
    }
  },
};

async function pass(text, guard, signal) {
  const order = text.startsWith('{') ? parseOrder(text) : { url: text };
  const { status, headers, body } = await fetchUrl(order, limits(guard, signal));
  // A page of another site must not run with this platform's origin.
  const kept = { 'content-security-policy': 'sandbox', 'x-content-type-options': 'nosniff' };
  for (const name of ['content-type', 'content-encoding', 'etag', 'last-modified', 'location']) {
    if (headers[name] !== undefined) kept[name] = headers[name];
  }
  return new Response([101, 204, 205, 304].includes(status) || status < 200 ? null : body, {
    status: Math.max(200, status),
    headers: kept,
  });
}

function parseOrder(text) {
  try {
    const { url, method = 'GET', headers, body } = JSON.parse(text);
    const given = Object.entries(headers ?? {});
    const fits = given.every(([name, value]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t -~]*$/.test(value));
    const texts = [url, method, body ?? '', ...given.map(([, value]) => value)];
    if (fits && texts.every((value) => typeof value === 'string')) return { url, method, headers: headers ?? {}, body };
  } catch {
    // Told below, like JSON of another shape.
  }
  throw new Refusal('the body is neither a URL nor {"url": …, "method": …, "headers": {…}, "body": …}', 400);
}

async function report(text, guard, signal) {
  const urls = text.split(/\s+/).filter((url) => url !== '');
  if (urls.length === 0 || urls.length > maxUrls) throw new Refusal(`send 1 to ${maxUrls} URLs, one a line`, 400);
  return Response.json(await Promise.all(urls.map((url) => probe(url, guard, signal))));
}

async function probe(url, guard, signal) {
  const startedMs = performance.now();
  const ms = () => Math.round(performance.now() - startedMs);
  try {
    const { status, address, body } = await fetchUrl({ url }, limits(guard, signal));
    return { url, ok: status < 400, status, ms: ms(), bytes: body.length, address };
  } catch (error) {
    return { url, ok: false, ms: ms(), error: error instanceof Refusal ? error.message : reasonOf(error) };
  }
}

function limits(guard, signal) {
  return { guard, maxBytes, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) };
}

function reasonOf(error) {
  return error.name === 'AbortError' || error.name === 'TimeoutError'
    ? `not within ${timeoutMs / 1000} s`
    : (error.code ?? error.message);
}

function plain(status, text) {
  return new Response(`${text}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } });
}
