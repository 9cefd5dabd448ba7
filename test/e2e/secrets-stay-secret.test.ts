import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { type TestPlatform, startPlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

const value = 'never-to-be-seen-4711';
const shapes = [value, Buffer.from(value).toString('base64').slice(0, 26), Buffer.from(value).toString('hex')];

function assertAbsent(text: string, where: string): void {
  for (const shape of shapes) assert.ok(!text.includes(shape), `${where} tells ${shape}`);
}

/** Command lines and first environments of everything that runs here. */
function processTexts(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => ['cmdline', 'environ'].map((file) => `/proc/${pid}/${file}`))
    .map((file) => {
      try {
        return readFileSync(file, 'latin1');
      } catch {
        return '';
      }
    })
    .join('\n');
}

suite('the value of a secret', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform();
  });
  after(() => platform.dispose());

  const ask = async (method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await platform.fetch(path, { method, ...(body === undefined ? {} : { body: text }) });
    return { status: answer.status, text: await answer.text() };
  };

  test('reaches the function and is in no answer, log, file, command line or environment', async () => {
    const secret = { name: 'key', value };
    assert.equal((await ask('POST', '/system/secrets', secret)).status, 202);
    const handler = [
      'const { readFileSync } = require("node:fs");',
      'module.exports = async () => {',
      '  const key = readFileSync(`${process.env.OPENFAAS_SECRETS_DIR}/key`, "utf8");',
      '  console.log("a key of", key.length);',
      '  return String(key.length);',
      '};',
    ].join('\n');
    const labels = { 'com.openfaas.scale.min': '1' };
    await deployFiles(platform, 'keyed', { 'handler.js': handler }, { spec: { secrets: ['key'], labels } });
    const called = await fetch(`${platform.url}/function/keyed`);
    assert.equal(await called.text(), String(value.length));
    await until('it is in the log', async () =>
      (await ask('GET', '/system/logs?name=keyed')).text.includes(`a key of ${value.length}`),
    );
    for (const path of [
      '/system/secrets',
      '/system/functions',
      '/system/function/keyed?usage=1',
      '/system/function/keyed/revisions',
      '/system/instances',
      '/system/images',
      '/system/logs?name=keyed',
    ]) {
      const { status, text } = await ask('GET', path);
      assert.equal(status, 200, path);
      assertAbsent(text, path);
    }
    assertAbsent(processTexts(), 'a process');
    assertAbsent(platform.output(), 'the platform');
    assertAbsent(await (await fetch(`${platform.metricsUrl}/metrics`)).text(), 'the metrics');
    const found = spawnSync(
      'grep',
      ['-rlaF', ...shapes.flatMap((shape) => ['-e', shape]), platform.stateDir, platform.runDir],
      { encoding: 'utf8' },
    );
    assert.deepEqual([found.stdout, found.status], ['', 1]);
  });

  test('is in no error, however wrong what was sent around it is', async () => {
    const nested = { deep: [value] };
    for (const [method, body] of [
      ['POST', { name: 'key', value }],
      ['POST', { name: '../key', value }],
      ['POST', { name: 'new', value: nested }],
      ['POST', { name: 'new', rawValue: [value] }],
      ['POST', { name: 'new', rawValue: `%${value}%` }],
      ['POST', { name: 'new', value, rawValue: value }],
      ['POST', { name: 'new', value, namespace: 'nowhere' }],
      ['POST', { value }],
      ['POST', { name: 'new', vlaue: value }],
      ['PUT', { name: 'none', value }],
      ['POST', `{"name":"new","value":${value}}`],
      ['POST', `{"name":"new","value":"${value}`],
      ['POST', value],
    ] as const) {
      const { status, text } = await ask(method, '/system/secrets', body);
      assert.ok(status >= 400 && status < 500, text);
      assertAbsent(text, `${method} ${JSON.stringify(body)}`);
    }
    assertAbsent(platform.output(), 'the platform');
  });
});
