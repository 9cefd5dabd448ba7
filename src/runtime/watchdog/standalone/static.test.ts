import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { covers } from '../../../../test/support/covers.ts';
import { serveWatchdog } from '../../../../test/support/standalone-watchdog.ts';
import { tempDir } from '../../../../test/support/temp-dir.ts';

const big = Buffer.alloc(3_000_000, 'abc');

function site(t: TestContext, files: Readonly<Record<string, string | Buffer>> = {}): string {
  const dir = tempDir(t);
  mkdirSync(join(dir, 'sub/.well-known'), { recursive: true });
  const all = {
    'index.html': '<h1>home',
    'sub/index.html': 'sub',
    'app.js': 'go()',
    'big.bin': big,
    '.env': 'SECRET=1',
    'sub/.well-known/x': 'known',
    ...files,
  };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(dir, name), text);
  return dir;
}

async function serve(t: TestContext, folder: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  return (await serveWatchdog(t, '', { mode: 'static', static_path: folder, fprocess: '', ...env })).url;
}

test('static: files, folders by their index, and what is not there', async (t) => {
  covers('variable', 'of-watchdog static_path');
  const url = await serve(t, site(t));
  const home = await fetch(url);
  assert.deepEqual([home.status, await home.text()], [200, '<h1>home']);
  assert.equal(home.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(home.headers.get('cache-control'), 'no-cache');
  const moved = await fetch(`${url}/sub?x=1`, { redirect: 'manual' });
  assert.deepEqual([moved.status, moved.headers.get('location')], [301, 'sub/?x=1']);
  assert.equal(await (await fetch(`${url}/sub`)).text(), 'sub');
  assert.equal(Buffer.compare(Buffer.from(await (await fetch(`${url}/big.bin`)).arrayBuffer()), big), 0);
  const part = await fetch(`${url}/big.bin`, { headers: { range: 'bytes=1-3' } });
  assert.deepEqual([part.status, await part.text()], [206, 'bca']);
  const missing = await fetch(`${url}/nowhere`);
  assert.deepEqual([missing.status, await missing.text()], [404, 'there is no such file\n']);
  const head = await fetch(`${url}/app.js`, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '4', '']);
  const posted = await fetch(url, { method: 'POST', body: 'x'.repeat(300_000) });
  assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD']);
  const tag = (await fetch(`${url}/app.js`)).headers.get('etag') ?? '';
  const same = await fetch(`${url}/app.js`, { headers: { 'if-none-match': tag } });
  assert.deepEqual([same.status, await same.text()], [304, '']);
});

test('static: 404.html is the page of what is not there', async (t) => {
  const url = await serve(t, site(t, { '404.html': 'lost?' }));
  const missing = await fetch(`${url}/nowhere/at/all`);
  assert.deepEqual([missing.status, await missing.text()], [404, 'lost?']);
  assert.equal(missing.headers.get('cache-control'), 'no-store');
  assert.match(missing.headers.get('content-type') ?? '', /text\/html/);
});

test('static: with static_fallback a page that is not there is the app, a file that is not there is not', async (t) => {
  const url = await serve(t, site(t), { static_fallback: 'index.html' });
  const page = await fetch(`${url}/users/17`, { headers: { accept: 'text/html' } });
  assert.deepEqual([page.status, await page.text()], [200, '<h1>home']);
  assert.equal((await fetch(`${url}/missing.js`)).status, 404);
  assert.equal((await fetch(`${url}/users/17`, { headers: { accept: 'application/json' } })).status, 404);
});

/** fetch would tidy the path up. */
function ask(url: string, path: string): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ host: hostname, port, path }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('static: nothing outside the folder, hidden, or no file is served', async (t) => {
  const folder = site(t);
  const outside = tempDir(t);
  writeFileSync(join(outside, 'secret.txt'), 'secret');
  symlinkSync(outside, join(folder, 'link'));
  symlinkSync(join(outside, 'secret.txt'), join(folder, 'leak.txt'));
  symlinkSync('app.js', join(folder, 'alias.js'));
  const url = await serve(t, folder);
  for (const path of [
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    `/..${outside}/secret.txt`,
    '/link/secret.txt',
    '/leak.txt',
    '/.env',
    '/sub/../.env',
    '/%00',
    '/app.js/',
    '/a\\b',
  ]) {
    assert.equal(await ask(url, path), 404, path);
  }
  assert.equal(await ask(url, '/%zz'), 400);
  assert.equal(await ask(url, '/alias.js'), 200);
  assert.equal(await ask(url, '/sub/.well-known/x'), 200);
  assert.equal(await ask(url, '//sub'), 301);
});

test('static: a folder or fallback that is not there is refused by name', async (t) => {
  await assert.rejects(serve(t, '/no/such/folder'), { message: /static_path "\/no\/such\/folder" is not a folder/ });
  await assert.rejects(serve(t, site(t), { static_fallback: 'app.html' }), { message: /static_fallback "app\.html"/ });
});
