import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type CliRun, runInTest } from '../../src/cli/testing/test-shell.ts';
import { parseFunctionStore } from '../../src/model/function-store.ts';
import type { TestPlatform } from './platform.ts';

const run = promisify(execFile);

export const storeFolder = resolve(import.meta.dirname, '../../store');

/** The store that comes with the program. */
export const storeEntries = parseFunctionStore(readFileSync(join(storeFolder, 'store.json'), 'utf8'), 'store.json');

/** Those whose builds download much or start slowly; `test/peers/store.test.ts` has their turn. */
export const heavyFunctions: readonly string[] = ['image-resize', 'markdown', 'sentimentanalysis'];

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly bytes: Buffer;
  text(): string;
}

export type Call = (path: string, body: string | Buffer, headers?: Record<string, string>) => Promise<Answer>;

/** What a call of each function must answer. */
export const storeAnswers: Record<string, (call: Call) => Promise<void>> = {
  base64: async (call) => {
    assert.equal((await call('?decode=1', 'aGVsbG8=')).text(), 'hello');
  },
  'cron-echo': async (call) => {
    const answer = await call('', 'tick', { 'x-topic': 'cron-function' });
    assert.match(answer.text(), /"topic":"cron-function","body":"tick"/);
  },
  env: async (call) => {
    assert.match((await call('/a?b=1', '', { 'x-c': 'd' })).text(), /^Http_X_C=d$/m);
  },
  fetch: async (call) => {
    const answer = await call('', 'http://127.0.0.1:1/');
    assert.deepEqual([answer.status, /allowed_hosts/.test(answer.text())], [403, true]);
  },
  figlet: async (call) => {
    assert.match((await call('?font=Slant', 'Hi')).text(), /^ {4}__ {2}___/);
  },
  'http-probe': async (call) => {
    assert.match((await call('', 'http://169.254.169.254/')).text(), /"ok":false.*allowed_hosts/);
  },
  'image-resize': async (call) => {
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
    const answer = await call('?width=7', Buffer.from(pixel, 'base64'));
    assert.deepEqual([answer.type, answer.bytes.readUInt32BE(16)], ['image/png', 7]);
  },
  'json-to-csv': async (call) => {
    assert.equal((await call('', '[{"a":1,"b":"x,y"}]')).text(), 'a,b\r\n1,"x,y"\r\n');
  },
  markdown: async (call) => {
    const answer = await call('', '## The **OpenFaaS** _workshop_');
    assert.equal(answer.text(), '<h2>The <strong>OpenFaaS</strong> <em>workshop</em></h2>\n');
  },
  nodeinfo: async (call) => {
    assert.match((await call('', '')).text(), /^Hostname: .+\n\nPlatform: linux\n/);
  },
  printer: async (call) => {
    assert.match(
      (await call('/hook?a=1', 'hi', { 'x-b': 'c' })).text(),
      /^POST \/hook\?a=1\n[^]*x-b: c\n[^]*\n\nhi\n$/,
    );
  },
  qrcode: async (call) => {
    assert.match((await call('', 'https://example.org')).text(), /<svg/);
  },
  sentimentanalysis: async (call) => {
    const text = (await call('', "California is great, it's always sunny there.")).text();
    assert.deepEqual(JSON.parse(text), { polarity: 0.8, sentence_count: 1, subjectivity: 0.75 });
  },
  shasum: async (call) => {
    assert.match((await call('', 'abc')).text(), /^ddaf35a193617aba[0-9a-f]{112} {2}-\n$/);
  },
  sleep: async (call) => {
    assert.equal((await call('', '', { 'x-sleep': '1ms' })).text(), 'slept 1ms\n');
  },
  wordcount: async (call) => {
    assert.match((await call('?format=json', 'one two')).text(), /"words": 2/);
  },
};

/** Runs `tinderbox store …` against a platform, inside this process. */
export function runStore(platform: TestPlatform, ...words: readonly string[]): Promise<CliRun> {
  const env = { OPENFAAS_URL: platform.url, TINDERBOX_DATA_DIR: platform.stateDir };
  return runInTest(['store', ...words], { cwd: storeFolder, env });
}

export function callOf(platform: TestPlatform, name: string): Call {
  return async (path, body, headers = {}) => {
    const url = `${platform.url}/function/${name}${path}`;
    const answer = await fetch(url, { method: 'POST', body: new Uint8Array(Buffer.from(body)), headers });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const type = answer.headers.get('content-type') ?? '';
    return { status: answer.status, type, bytes, text: () => bytes.toString() };
  };
}

/** Deploys a function of the store, calls it, and runs its own test beside what the build installed. */
export async function tryStoreFunction(platform: TestPlatform, name: string): Promise<void> {
  const { exitCode, stderr } = await runStore(platform, 'deploy', name);
  assert.equal(exitCode, 0, stderr);
  const answer = storeAnswers[name];
  assert.ok(answer !== undefined, `there is no call of ${name} here`);
  await answer(callOf(platform, name));
  await runOwnTest(platform, `tinderbox-store/${name}:1`);
}

async function runOwnTest(platform: TestPlatform, image: string): Promise<void> {
  const images = (await (await platform.fetch('/system/images')).json()) as { image: string; digest: string }[];
  const digest = images.find((known) => known.image === image)?.digest ?? '';
  const artifact = join(platform.runDir, 'artifacts', digest.replace('sha256:', ''));
  const cwd = join(artifact, 'code');
  if (existsSync(join(cwd, 'handler.test.mjs'))) {
    await run(process.execPath, ['handler.test.mjs'], { cwd, env: { PATH: process.env['PATH'] } });
  } else if (existsSync(join(cwd, 'test_handler.py'))) {
    const env = { PYTHONPATH: join(artifact, 'site-packages'), PYTHONDONTWRITEBYTECODE: '1' };
    await run('/usr/bin/python3', ['-m', 'unittest'], { cwd, env });
  } else assert.equal(image, 'tinderbox-store/env:1', `${image} has no test of its own`);
}
