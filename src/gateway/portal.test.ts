import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';
import { type PortalOptions, startPortal } from './portal.ts';

const directory = join(import.meta.dirname, '../../ui');
const headers = { authorization: 'yes' };

async function open(
  t: { after(fn: () => Promise<void>): void },
  options: Partial<PortalOptions> = {},
): Promise<string> {
  const portal = await startPortal({
    host: '127.0.0.1',
    port: 0,
    directory,
    authorize: (header) => header === 'yes',
    control: (request, response) => void response.end(`control ${request.url}`),
    functionsPort: () => 1234,
    ...options,
  });
  t.after(() => portal.close());
  return `http://127.0.0.1:${portal.port}`;
}

test('the page, its files and the port of functions are there for who has the password, and load nothing foreign', async (t) => {
  const url = await open(t);
  for (const path of ['/', '/app.js', '/style.css', '/config.json', '/system/functions']) {
    assert.equal((await fetch(url + path)).status, 401, path);
    assert.equal((await fetch(url + path, { headers })).status, 200, path);
  }
  const page = await fetch(url, { headers });
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'; frame-ancestors 'none'/);
  assert.deepEqual(await (await fetch(`${url}/config.json`, { headers })).json(), { functionsPort: 1234 });
  assert.equal(await (await fetch(`${url}/system/functions?a=1`, { headers })).text(), 'control /system/functions?a=1');
});

test('nothing else of the disk is served, and no other part of the control plane', async (t) => {
  const url = await open(t);
  for (const path of ['/package.json', '/..%2fpackage.json', '/%2e%2e/package.json', '/build', '/healthz']) {
    assert.equal((await fetch(url + path, { headers })).status, 404, path);
  }
  assert.equal((await fetch(url, { method: 'POST', headers })).status, 404);
});

test('pages of other sites get nothing', async (t) => {
  const url = await open(t);
  for (const site of ['cross-site', 'same-site']) {
    assert.equal(
      (await fetch(`${url}/system/functions`, { headers: { ...headers, 'sec-fetch-site': site } })).status,
      403,
    );
  }
});

test('a taken port is named', async (t) => {
  const url = await open(t);
  await assert.rejects(open(t, { port: Number(new URL(url).port) }), {
    code: 'conflict',
    message: new RegExp(new URL(url).host),
  });
});
