import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { findFreePort } from '../../src/runtime/watchdog/own-port.ts';
import { deployFiles } from '../support/deploy.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

/** A server that knows one port only, as many images do. */
const fixed = `
require('node:http').createServer((q, s) => s.end(q.method + ' ' + q.url + ' ' + q.headers['x-one'])).listen(process.env.OWN);
`;

suite('modes of the watchdog in the platform', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform();
  });
  after(() => platform.dispose());
  const at = (name: string): string => `${platform.url}/function/${name}`;

  test('mode static serves the files of a function, with the addresses its callers use', async () => {
    const files = { 'public/index.html': 'home', 'public/sub/index.html': 'sub', 'public/404.html': 'lost' };
    const spec = { envVars: { mode: 'static' } };
    await deployFiles(platform, 'site', files, { lang: 'exec', mode: 'static', spec });
    const home = await fetch(`${at('site')}/`);
    assert.deepEqual([home.status, await home.text(), home.headers.get('cache-control')], [200, 'home', 'no-cache']);
    const etag = home.headers.get('etag') ?? '';
    assert.equal((await fetch(`${at('site')}/`, { headers: { 'if-none-match': etag } })).status, 304);
    const followed = await fetch(`${at('site')}/sub`);
    assert.deepEqual([followed.url, await followed.text()], [`${at('site')}/sub/`, 'sub']);
    const missing = await fetch(`${at('site')}/nowhere`);
    assert.deepEqual([missing.status, await missing.text()], [404, 'lost']);
  });

  test('mode http with upstream_url reaches a program that knows only its own port', async () => {
    const port = String(await findFreePort());
    const envVars = { mode: 'http', upstream_url: `http://127.0.0.1:${port}`, OWN: port };
    const build = { lang: 'exec', mode: 'http', process: 'node server.cjs', spec: { envVars } };
    await deployFiles(platform, 'fixed', { 'server.cjs': fixed }, build);
    const answer = await fetch(`${at('fixed')}/a?b`, { headers: { 'X-One': '1' } });
    assert.deepEqual([answer.status, await answer.text()], [200, 'GET /a?b 1']);
  });

  test('mode classic with marshal_request is what its programs expect', async () => {
    const spec = { envVars: { mode: 'classic', marshal_request: 'true' } };
    await deployFiles(platform, 'echo', { 'a.txt': '' }, { lang: 'exec', mode: 'classic', process: 'cat', spec });
    const answer = await fetch(at('echo'), { method: 'POST', body: 'hello' });
    const { body } = (await answer.json()) as { body: { raw: string } };
    assert.equal(Buffer.from(body.raw, 'base64').toString(), 'hello');
    assert.equal((await fetch(at('echo'), { method: 'OPTIONS' })).status, 405);
  });
});
