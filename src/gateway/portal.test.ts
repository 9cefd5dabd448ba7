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
  for (const path of ['/', '/app.js', '/style.css', '/icon.svg', '/config.json', '/system/functions']) {
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

test('pages of other sites get nothing, whatever they would do with it', async (t) => {
  const url = await open(t);
  for (const site of ['cross-site', 'same-site']) {
    for (const [path, dest] of [
      ['/system/functions', 'empty'],
      ['/system/functions', 'document'],
      ['/config.json', 'empty'],
      ['/app.js', 'script'],
      ['/', 'iframe'],
      ['/', 'empty'],
    ] as const) {
      const foreign = { ...headers, 'sec-fetch-site': site, 'sec-fetch-dest': dest };
      assert.equal((await fetch(url + path, { headers: foreign })).status, 403, `${site} ${path} ${dest}`);
    }
  }
});

test('a link on another site leads to the page, whose window that site cannot hold on to', async (t) => {
  const url = await open(t);
  const link = { ...headers, 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' };
  const page = await fetch(url, { headers: link });
  assert.equal(page.status, 200);
  assert.equal(page.headers.get('cross-origin-opener-policy'), 'same-origin');
});

test('who has no password is told where it is', async (t) => {
  const refused = await fetch(await open(t));
  assert.equal(refused.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.match(await refused.text(), /prints which file holds the password/);
});

test('a taken port is named', async (t) => {
  const url = await open(t);
  await assert.rejects(open(t, { port: Number(new URL(url).port) }), {
    code: 'conflict',
    message: new RegExp(new URL(url).host),
  });
});
