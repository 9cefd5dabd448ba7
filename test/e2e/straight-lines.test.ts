import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

async function instancesOf(
  platform: TestPlatform,
  name: string,
): Promise<{ id: string; state: string; pid?: number }[]> {
  const answer = await platform.fetch(`/system/instances?function=${name}`);
  const all = (await answer.json()) as { id: string; state: string; pid?: number }[];
  return all.filter((instance) => instance.state !== 'stopped' && instance.state !== 'failed');
}

suite('the straight lines', () => {
  test('new, deploy, invoke, sleep, wake', async (t) => {
    const platform = await startPlatform(['--scale-interval', '200ms']);
    t.after(() => platform.dispose());
    const dir = tempDir(t);
    const run = async (args: string[], stdin = ''): Promise<string> => {
      const result = await platform.cli(args, { cwd: dir, stdin });
      assert.equal(result.code, 0, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
      return result.stdout;
    };
    await run(['new', 'hello', '--lang', 'node']);
    writeFileSync(join(dir, 'hello', 'handler.js'), 'module.exports = async (event) => `you said ${event.body}`;\n');
    await run(['deploy', '-f', 'stack.yaml', '--label', 'com.openfaas.scale.zero-duration=1s']);
    assert.equal(await run(['invoke', 'hello'], 'hi'), 'you said hi');
    assert.ok((await instancesOf(platform, 'hello')).length > 0);

    await until(
      'the idle function has no instance',
      async () => (await instancesOf(platform, 'hello')).length === 0,
      20_000,
    );
    const answer = await fetch(`${platform.url}/function/hello`, { method: 'POST', body: 'again' });
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), 'you said again');
    assert.match(answer.headers.get('x-call-id') ?? '', /^[A-Za-z0-9._-]{1,64}$/);
    assert.match(answer.headers.get('x-start-time') ?? '', /^\d{19}$/);

    assert.match(await run(['list']), /hello/);
    assert.match(await run(['describe', 'hello']), /Ready/);
    await run(['remove', 'hello']);
    await until('it is gone', async () => (await fetch(`${platform.url}/function/hello`)).status === 404);
  });

  test('the password is made once, kept to its owner, and asked for', async (t) => {
    const platform = await startPlatform();
    t.after(() => platform.dispose());
    const file = join(platform.stateDir, 'password');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(platform.stateDir).mode & 0o777, 0o700);
    const before = readFileSync(file, 'utf8');
    for (const path of [
      '/system/functions',
      '/system//functions',
      '/%73ystem/functions',
      '/system/./functions',
      '/build',
      '/nothing',
    ]) {
      const answer = await fetch(platform.url + path);
      assert.equal(answer.status, 401, path);
    }
    assert.equal((await fetch(`${platform.url}/healthz`)).status, 200);
    assert.equal((await platform.fetch('/system/functions')).status, 200);
    await platform.stop();
    const again = await platform.restart();
    t.after(() => again.dispose());
    assert.equal(readFileSync(file, 'utf8'), before);
    assert.equal((await again.fetch('/system/functions')).status, 200);
  });

  test('the portal and the metrics have listeners of their own', async (t) => {
    const platform = await startPlatform();
    t.after(() => platform.dispose());
    assert.equal((await fetch(platform.portalUrl)).status, 401);
    const headers = { authorization: platform.authorization };
    assert.match(await (await fetch(platform.portalUrl, { headers })).text(), /<title>/);
    assert.deepEqual(await (await fetch(`${platform.portalUrl}/system/functions`, { headers })).json(), []);
    const cross = await fetch(`${platform.portalUrl}/system/functions`, {
      headers: { ...headers, 'sec-fetch-site': 'cross-site' },
    });
    assert.equal(cross.status, 403);
    assert.match(await (await fetch(`${platform.metricsUrl}/metrics`)).text(), /gateway_service_count/);
  });
});
