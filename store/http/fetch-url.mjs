import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Refusal } from './guard.mjs';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
/** Belong to the connection, or would lead a proxy or virtual host astray. */
const ownHeaders =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*)$/i;

/**
 * One request over a connection of its own, without following redirects. Resolves with status, headers, address and at
 * most `maxBytes` of body; rejects with a Refusal for what the guard or the limits do not let through.
 */
export function fetchUrl({ url: text, method = 'GET', headers = {}, body }, { guard, maxBytes, signal }) {
  const url = guard.check(text);
  if (!methods.includes(method)) throw new Refusal(`method is not one of ${methods.join(', ')}`, 400);
  const given = Object.entries(headers).filter(([name]) => !ownHeaders.test(name));
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method,
      headers: { 'user-agent': 'tinderbox-fetch', ...Object.fromEntries(given) },
      lookup: guard.lookup,
      agent: false,
      signal,
    });
    sent.on('error', reject);
    sent.once('response', (response) => {
      const address = response.socket?.remoteAddress;
      collect(response, maxBytes).then(
        (bytes) => resolve({ status: response.statusCode, headers: response.headers, address, body: bytes }),
        reject,
      );
    });
    sent.end(body);
  });
}

async function collect(response, maxBytes) {
  const chunks = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > maxBytes) throw new Refusal(`the answer has more than ${maxBytes} bytes`, 502);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
