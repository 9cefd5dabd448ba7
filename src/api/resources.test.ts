import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, type TestContext, test } from 'node:test';
import { pack } from 'tar-stream';
import { covers } from '../../test/support/covers.ts';
import { type ApiWorld, createApiWorld } from '../../test/support/api-world.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { until } from '../../test/support/until.ts';
import type { BuildRequest } from '../builder/builder.ts';
import { TinderboxError } from '../model/errors.ts';
import type { LogLine, LogQuery } from '../model/log-line.ts';

describe('secrets', () => {
  let api: ApiWorld;
  beforeEach(async (context) => {
    const t = context as TestContext;
    api = await createApiWorld(tempDir(t));
    t.after(() => api.close());
  });

  test('a secret is created once, updated, listed without its value, and deleted with 202', async () => {
    covers('endpoint', 'GET /system/secrets', 'POST /system/secrets', 'PUT /system/secrets', 'DELETE /system/secrets');
    const call = (method: string, body?: unknown) => api.call(method, '/system/secrets', body);
    assert.equal((await call('PUT', { name: 'key', value: 'a' })).status, 404);
    assert.equal((await call('POST', { name: 'key', value: 'a' })).status, 202);
    assert.equal((await call('POST', { name: 'key', value: 'b' })).status, 409);
    assert.equal((await call('PUT', { name: 'key', rawValue: Buffer.from([0, 255]).toString('base64') })).status, 202);
    assert.deepEqual(api.world.secrets.values.get('openfaas-fn/key')?.value, Buffer.from([0, 255]));
    assert.deepEqual((await call('GET')).json, [{ name: 'key', namespace: 'openfaas-fn' }]);
    assert.equal((await call('DELETE', { name: 'key' })).status, 202);
    assert.equal((await call('DELETE', { name: 'key' })).status, 404);
  });

  test('a secret that comes as text and as bytes, as of a file with faas-cli, is its text, or its bytes when it is none', async () => {
    const base64 = (bytes: string | readonly number[]): string => Buffer.from(bytes as string).toString('base64');
    const cases: [string, string, Buffer][] = [
      ['abc', base64('abc'), Buffer.from('abc')],
      ['abc', base64(' abc\n'), Buffer.from('abc')],
      [' abc\n', base64(' abc\n'), Buffer.from(' abc\n')],
      ['\ufffd\ufffd', base64([255, 254, 10]), Buffer.from([255, 254, 10])],
      ['', base64('abc'), Buffer.from('abc')],
    ];
    for (const [index, [value, rawValue, stored]] of cases.entries()) {
      assert.equal((await api.call('POST', '/system/secrets', { name: `k${index}`, value, rawValue })).status, 202);
      assert.deepEqual(api.world.secrets.values.get(`openfaas-fn/k${index}`)?.value, stored);
    }
  });

  test('bad secrets are 400 and say why', async () => {
    const cases: [object, RegExp][] = [
      [{ name: '../etc', value: 'x' }, /secret name "..\/etc"/],
      [{ value: 'x' }, /name: is required/],
      [{ name: 'k' }, /neither value nor rawValue/],
      [{ name: 'k', rawValue: '%%%' }, /rawValue of secret "k" is not base64/],
      [{ name: 'k', value: 'x', rawValue: 'eQ==' }, /value and rawValue of secret "k" are not the same/],
      [{ name: 'k', value: 'x', namespace: 'none' }, /namespace "none" does not exist/],
      [{ name: 'k', value: 'x', extra: 1 }, /unknown field "extra"/],
    ];
    for (const [body, message] of cases) {
      const answer = await api.call('POST', '/system/secrets', body);
      assert.equal(answer.status, 400);
      assert.match(answer.text, message);
    }
  });

  test('namespaces live under both spellings and need the mark', async () => {
    covers('endpoint', 'GET /system/namespaces', 'GET /system/namespace/{namespace}');
    covers('endpoint', 'POST /system/namespace/', 'PUT /system/namespace/{namespace}');
    const mark = { annotations: { openfaas: '1' } };
    assert.equal((await api.call('POST', '/system/namespace/', { name: 'a', ...mark })).status, 201);
    assert.equal((await api.call('POST', '/system/namespaces', { name: 'b', labels: { openfaas: '1' } })).status, 201);
    assert.equal((await api.call('POST', '/system/namespace/', { name: 'a', ...mark })).status, 409);
    assert.equal((await api.call('POST', '/system/namespace/', { name: 'c' })).status, 400);
    assert.deepEqual((await api.call('GET', '/system/namespaces')).json, ['a', 'b', 'openfaas-fn']);
    assert.deepEqual((await api.call('GET', '/system/namespace/a')).json, { name: 'a', ...mark });
    const changed = { name: 'a', labels: { openfaas: '1', team: 'x' } };
    assert.equal((await api.call('PUT', '/system/namespaces/a', changed)).status, 202);
    assert.deepEqual((await api.call('GET', '/system/namespaces/a')).json, changed);
    assert.equal((await api.call('PUT', '/system/namespace/none', { ...mark })).status, 404);
    assert.equal((await api.call('GET', '/system/namespace/none')).status, 404);
  });

  test('a namespace goes with its secrets, but not while functions are in it, and never the default one', async () => {
    covers('endpoint', 'DELETE /system/namespace/{namespace}');
    await api.call('POST', '/system/namespace/', { name: 'a', labels: { openfaas: '1' } });
    await api.call('POST', '/system/secrets', { name: 'k', value: 'v', namespace: 'a' });
    api.world.images.add('good:1');
    await api.call('POST', '/system/functions', { service: 'f', image: 'good:1', namespace: 'a' });
    assert.equal((await api.call('DELETE', '/system/namespace/a', { name: 'a' })).status, 409);
    await api.call('DELETE', '/system/functions', { functionName: 'f', namespace: 'a' });
    assert.equal((await api.call('DELETE', '/system/namespace/a', { name: 'a' })).status, 202);
    assert.equal(api.world.secrets.values.size, 0);
    assert.equal((await api.call('DELETE', '/system/namespace/openfaas-fn')).status, 403);
  });
});

describe('logs', () => {
  const asked: LogQuery[] = [];
  let left: AbortSignal | undefined;
  let produced = 0;
  let api: ApiWorld;

  async function* logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> {
    asked.push(query);
    left = signal;
    const line = { name: 'f', namespace: 'openfaas-fn', instance: 'i', timestamp: 'now', stream: 'stdout' } as const;
    yield { ...line, text: 'first' };
    while (query.follow && !signal.aborted) {
      produced += 1;
      yield { ...line, text: 'x'.repeat(64 * 1024) };
      await turn();
    }
  }

  beforeEach(async (context) => {
    const t = context as TestContext;
    asked.length = 0;
    produced = 0;
    api = await createApiWorld(tempDir(t), { engine: { name: 'scripted', instances: () => [], logs } });
    t.after(() => api.close());
    api.world.images.add('good:1');
    await api.call('POST', '/system/functions', { service: 'f', image: 'good:1' });
  });

  async function writerWaits(): Promise<void> {
    let seen = -1;
    await until('the writer waits', async () => {
      const before = seen;
      seen = produced;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return before === seen && seen === produced;
    });
  }

  test('lines come as ndjson with the parameters OpenFaaS sends', async () => {
    const answer = await api.call('GET', '/system/logs?follow=false&name=f&tail=-1&since=2026-01-02T03:04:05Z');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/x-ndjson');
    assert.equal((answer.json as LogLine).text, 'first');
    const sinceMs = Date.parse('2026-01-02T03:04:05Z');
    assert.deepEqual(asked, [{ namespace: 'openfaas-fn', name: 'f', sinceMs, follow: false }]);
  });

  test('bad parameters are 422, a function that never was is 404', async () => {
    for (const query of ['', '?name=F', '?name=f&tail=x', '?name=f&follow=maybe', '?name=f&since=yesterday']) {
      assert.equal((await api.call('GET', `/system/logs${query}`)).status, 422, query);
    }
    assert.equal((await api.call('GET', '/system/logs?name=none')).status, 404);
    await api.call('DELETE', '/system/functions', { functionName: 'f' });
    assert.equal((await api.call('GET', '/system/logs?name=f')).status, 200, 'logs outlive their function');
  });

  test('a slow reader holds the writer back, and leaving ends it', async () => {
    const client = new AbortController();
    const response = await fetch(`${api.url}/system/logs?name=f&follow=true`, { signal: client.signal });
    assert.equal(response.status, 200);
    await writerWaits();
    assert.ok(produced < 2_000, `${produced} lines of 64 KiB were buffered`);
    client.abort();
    await until('the log is let go', () => left?.aborted === true);
  });

  test('a platform that stops ends what is followed, in good order for who reads, and cut off for who does not', async () => {
    const unread = await fetch(`${api.url}/system/logs?name=f&follow=true`);
    await writerWaits();
    const read = await fetch(`${api.url}/system/logs?name=f&follow=true`);
    let text = '';
    const reading = (async () => {
      for await (const bytes of read.body ?? []) text += Buffer.from(bytes).toString();
    })();
    await until('lines arrive', () => text.includes('xxx'));
    api.api.endFollowed();
    await reading;
    assert.ok(text.endsWith('}\n'), 'the last line is whole');
    await until('nobody waits for the other one', async () => (await api.connections()) <= 1);
    await assert.rejects(unread.text());
    const late = await api.call('GET', '/system/logs?name=f&follow=true');
    assert.deepEqual([late.status, late.text], [200, ''], 'one that comes late is over at once');
  });
});

test('the key of the secrets is changed on request, and told by its id only', async (t) => {
  const api = await createApiWorld(tempDir(t));
  t.after(() => api.close());
  assert.deepEqual((await api.call('POST', '/system/secrets-key')).json, { key: 'key-2' });
});

describe('POST /build', () => {
  const requests: BuildRequest[] = [];
  let build: (onLog: (line: string) => void, signal: AbortSignal) => Promise<never>;
  let config: string | undefined;
  let sources: string;
  let api: ApiWorld;

  /** What a client sends: one file below `context/`, and the file that says what to build. */
  async function source(entry = 'context/handler.js'): Promise<Buffer> {
    const tar = pack();
    tar.entry({ name: entry }, 'module.exports = () => 1;');
    if (config !== undefined) tar.entry({ name: 'com.openfaas.docker.config' }, config);
    tar.finalize();
    return await buffer(tar);
  }

  beforeEach(async (context) => {
    const t = context as TestContext;
    sources = tempDir(t);
    requests.length = 0;
    config = JSON.stringify({ image: 'hello:1', buildArgs: { A: 'b' }, platforms: ['linux/amd64'] });
    build = async (onLog) => {
      onLog('compiling');
      return undefined as never;
    };
    api = await createApiWorld(sources, {
      builder: {
        resolve: async () => undefined,
        images: async () => [],
        build: (request, onLog, signal) => {
          requests.push(request);
          return build(onLog, signal);
        },
      },
    });
    t.after(() => api.close());
  });

  const stream = async (entry?: string): Promise<Response> =>
    fetch(`${api.url}/build`, {
      method: 'POST',
      body: new Uint8Array(await source(entry)),
      headers: { accept: 'application/x-ndjson' },
    });
  const whole = async () => api.call('POST', '/build', await source());

  test('a build answers one object, or lines when they are accepted, and leaves no source behind', async () => {
    const one = (await whole()).json as Record<string, unknown>;
    assert.deepEqual({ ...one, duration: 0 }, { log: ['compiling'], image: 'hello:1', status: 'success', duration: 0 });
    const [request] = requests;
    assert.deepEqual(request?.buildArgs, { A: 'b' });
    assert.equal(request.namespace, 'openfaas-fn');
    assert.match(request.directory, /\/build-[^/]+\/source$/);
    const lines = (await (await stream()).text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { status: string });
    assert.deepEqual(
      lines.map(({ status }) => status),
      ['in_progress', 'success'],
    );
    assert.deepEqual(await readdir(sources), []);
  });

  test('a failed build says so in the same shape', async () => {
    build = async (onLog) => {
      onLog('oops');
      throw new TinderboxError('build-failed', 'npm exited with code 1');
    };
    const last = JSON.parse((await (await stream()).text()).trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    assert.equal(last['status'], 'failed');
    assert.equal(last['error'], 'npm exited with code 1');
  });

  test('what is refused before it starts has a status of its own', async () => {
    build = async () => {
      throw new TinderboxError('queue-full', '100 builds wait already', { retryAfterMs: 5_000 });
    };
    const busy = await stream();
    assert.deepEqual([busy.status, busy.headers.get('retry-after')], [429, '5']);
    assert.equal((await stream('context/../x')).status, 400);
    config = '{"image":""}';
    assert.match((await whole()).text, /image/);
    config = undefined;
    assert.match((await whole()).text, /com\.openfaas\.docker\.config/);
    assert.deepEqual(await readdir(sources), []);
  });

  test('a client that leaves cancels its build', async () => {
    let canceled = false;
    build = (onLog, signal) => {
      onLog('working');
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          canceled = true;
          reject(new TinderboxError('canceled', 'canceled'));
        });
      });
    };
    const client = new AbortController();
    const body = new PassThrough().end(await source());
    const options = { method: 'POST', body, duplex: 'half', signal: client.signal } as unknown as RequestInit;
    await fetch(`${api.url}/build`, { ...options, headers: { accept: 'application/x-ndjson' } });
    client.abort();
    await until('the build is canceled', () => canceled);
    await until('its source is gone', async () => (await readdir(sources)).length === 0);
  });
});
