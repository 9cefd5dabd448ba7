import assert from 'node:assert/strict';
import { beforeEach, describe, type TestContext, test } from 'node:test';
import { covers, notApplicable } from '../../test/support/covers.ts';
import { type ApiWorld, createApiWorld } from '../../test/support/api-world.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { until } from '../../test/support/until.ts';
import { TinderboxError } from '../model/errors.ts';
import type { FunctionStatus } from './function-status.ts';

let api: ApiWorld;

beforeEach(async (context) => {
  const t = context as TestContext;
  api = await createApiWorld(tempDir(t), {
    invocationCount: (key) => (key === 'f.openfaas-fn' ? 7 : 0),
    usage: async (instances) => ({ cpu: 5 * instances.length, totalMemoryBytes: 1024 }),
  });
  t.after(() => api.close());
  api.world.images.add('good:1', 'good:2', 'broken:1');
});

const plain = { service: 'f', image: 'good:1' };

async function status(path = '/system/function/f'): Promise<FunctionStatus> {
  return (await api.call('GET', path)).json as FunctionStatus;
}

const available = (): Promise<boolean> =>
  until('it is available', async () => (await status()).availableReplicas === 1);

describe('functions', () => {
  test('PUT of an unknown function is 404, then POST deploys it, and it becomes available', async () => {
    covers('endpoint', 'POST /system/functions', 'PUT /system/functions');
    assert.equal((await api.call('PUT', '/system/functions', plain)).status, 404);
    const created = await api.call('POST', '/system/functions', plain);
    assert.deepEqual([created.status, created.text], [202, '']);
    await available();
  });

  test('a function is told as OpenFaaS tells it: what was never set is absent, labels are not', async () => {
    covers('endpoint', 'GET /system/functions', 'GET /system/function/{name}');
    covers('label', 'faas_function');
    await api.call('POST', '/system/functions', { ...plain, annotations: null, labels: { a: '{"json":1}' } });
    const { createdAt, availableReplicas: _, ...rest } = await status();
    assert.ok(Date.parse(createdAt) > 0);
    assert.deepEqual(rest, {
      name: 'f',
      namespace: 'openfaas-fn',
      image: 'good:1',
      labels: { a: '{"json":1}', faas_function: 'f' },
      annotations: {},
      replicas: 1,
    });
    const [listed] = (await api.call('GET', '/system/functions')).json as FunctionStatus[];
    assert.equal(listed?.invocationCount, 7);
  });

  test('what was set comes back as it was given', async () => {
    api.world.secrets.values.set('openfaas-fn/key', { value: Buffer.from('v'), version: 1 });
    const given = {
      envProcess: 'node index.js',
      envVars: { A: 'b' },
      constraints: ['zone=x'],
      secrets: ['key'],
      annotations: { topic: 't' },
      limits: { memory: '128Mi', cpu: '100m' },
      requests: { memory: '64Mi' },
      readOnlyRootFilesystem: true,
    };
    assert.equal((await api.call('POST', '/system/functions', { ...plain, ...given })).status, 202);
    const told = await status();
    for (const [field, value] of Object.entries(given)) assert.deepEqual(told[field as keyof FunctionStatus], value);
  });

  test('usage is told when it is asked for', async () => {
    await api.call('POST', '/system/functions', plain);
    await available();
    assert.deepEqual((await status('/system/function/f?usage=1')).usage, { cpu: 5, totalMemoryBytes: 1024 });
    assert.equal((await status()).usage, undefined);
  });

  test('a second POST is a conflict; every PUT makes a revision, also of an identical spec', async () => {
    await api.call('POST', '/system/functions', plain);
    assert.equal((await api.call('POST', '/system/functions', plain)).status, 409);
    const puts = await Promise.all([1, 2, 3].map(() => api.call('PUT', '/system/functions', plain)));
    assert.deepEqual(
      puts.map((put) => put.status),
      [202, 202, 202],
    );
    const revisions = await until('the newest serves', async () => {
      const list = (await api.call('GET', '/system/function/f/revisions')).json as { id: string; serving: boolean }[];
      return list[0]?.serving === true && list;
    });
    assert.equal(revisions[0]?.id, 'openfaas-fn/f-00004');
  });

  test('a rollout that fails is told with its reason while the old revision serves', async () => {
    await api.call('POST', '/system/functions', plain);
    await available();
    await api.call('PUT', '/system/functions', { ...plain, image: 'broken:1' });
    const [newest, old] = await until('it failed', async () => {
      const list = (await api.call('GET', '/system/function/f/revisions')).json as Record<string, unknown>[];
      return list[0]?.['state'] === 'failed' && list;
    });
    assert.match(String(newest?.['failure']), /3 starts failed, the last one: it threw\nlast words/);
    assert.equal(newest?.['serving'], false);
    assert.equal(old?.['serving'], true);
    assert.ok(old['protections']);
  });

  test('a revision that was deployed well and cannot run any more is told with the reason', async () => {
    await api.call('POST', '/system/functions', plain);
    await available();
    api.world.scaler.refuse('openfaas-fn/f-00001', new TinderboxError('cannot-start', 'its secret is gone'));
    const [only] = (await api.call('GET', '/system/function/f/revisions')).json as Record<string, unknown>[];
    assert.deepEqual([only?.['state'], only?.['serving'], only?.['failure']], ['ready', true, 'its secret is gone']);
  });

  test('deleting takes the namespace from body or query; a function made again goes on counting', async () => {
    covers('endpoint', 'DELETE /system/functions');
    await api.call('POST', '/system/namespace/', { name: 'dev', labels: { openfaas: '1' } });
    for (const [path, extra] of [
      ['/system/functions', { namespace: 'dev' }],
      ['/system/functions?namespace=dev', {}],
    ] as const) {
      assert.equal((await api.call('POST', path, { ...plain, ...extra })).status, 202);
      assert.equal((await api.call('GET', '/system/function/f.dev')).status, 200);
      assert.equal((await api.call('DELETE', path, { functionName: 'f', ...extra })).status, 202);
      assert.equal((await api.call('DELETE', path, { functionName: 'f', ...extra })).status, 404);
      assert.equal((await api.call('GET', '/system/function/f?namespace=dev')).status, 404);
    }
    await api.call('POST', '/system/functions?namespace=dev', plain);
    const list = (await api.call('GET', '/system/function/f.dev/revisions')).json as { id: string }[];
    assert.equal(list[0]?.id, 'dev/f-00003');
    assert.equal((await api.call('DELETE', '/system/functions', {})).status, 400);
  });

  test('bad deploys are 400 and name field and value', async () => {
    const cases: [object | string, RegExp][] = [
      [{ image: 'good:1' }, /service: is required/],
      [{ ...plain, service: 'Not_OK' }, /function name "Not_OK"/],
      [{ ...plain, image: 'nowhere:1' }, /image "nowhere:1" is not known here.*tinderbox build/],
      [{ ...plain, secrets: ['none'] }, /secret "none" does not exist in namespace "openfaas-fn"/],
      [{ ...plain, namespace: 'none' }, /namespace "none" does not exist/],
      [{ ...plain, colour: 'red' }, /unknown field "colour"/],
      [{ ...plain, limits: { memory: '1Mi' } }, /limits.memory "1Mi".*16Mi/],
      [{ ...plain, limits: { gpu: '1' } }, /unknown field "limits.gpu"/],
      [{ ...plain, labels: { 'com.openfaas.scale.max': '-1' } }, /com.openfaas.scale.max "-1"/],
      [{ ...plain, envVars: { 'A=B': 'x' } }, /envVars.A=B: .*must match/],
      [{ ...plain, envVars: { A: 1 } }, /envVars.A: 1 is not a string/],
      [{ ...plain, service: 'a\nb\u001b[31m' }, /^function name "a\\nb\\u001b\[31m" is not valid/],
      [{ ...plain, envVars: { 'a\r\n': 'x' } }, /envVars\.a\\r\\n: /],
      [`{"service":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, /^the request body is nested more than 100 deep$/],
      [{ ...plain, envVars: { A: '['.repeat(200) + '"\\"{' }, colour: 1 }, /unknown field "colour"/],
      ['{"service"', /not JSON/],
      ['', /no body/],
      ['[]', /not a JSON object/],
      ['{"service":"f","image":"good:1","__proto__":{}}', /__proto__/],
    ];
    for (const [body, message] of cases) {
      const answer = await api.call('POST', '/system/functions', body);
      assert.equal(answer.status, 400, answer.text);
      assert.match(answer.text, message);
      assert.doesNotMatch(answer.text, /\p{Cc}/u);
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
    }
    assert.deepEqual((await api.call('GET', '/system/functions')).json, []);
    const legacy = { ...plain, registryAuth: 'x', network: 'func_functions' };
    assert.equal((await api.call('POST', '/system/functions', legacy)).status, 202);
  });

  test('scaling by hand clamps to the labels, and zero lasts', async () => {
    covers('endpoint', 'POST /system/scale-function/{name}');
    covers('label', 'com.openfaas.scale.max');
    await api.call('POST', '/system/functions', { ...plain, labels: { 'com.openfaas.scale.max': '3' } });
    await available();
    const scale = (body: object, name = 'f') => api.call('POST', `/system/scale-function/${name}`, body);
    assert.equal((await scale({ serviceName: 'f', replicas: 9 })).status, 202);
    await until('three are up', async () => (await status()).availableReplicas === 3);
    assert.equal((await scale({ serviceName: 'f', replicas: 0, namespace: 'openfaas-fn' })).status, 202);
    await until('none is up', async () => (await status()).availableReplicas === 0);
    assert.equal((await status()).replicas, 0);
    assert.equal((await scale({ replicas: 1 }, 'none')).status, 404);
    assert.equal((await scale({ replicas: -1 })).status, 400);
    assert.equal((await scale({ replicas: 1.5 })).status, 400);
  });

  test('scaling by hand during a rollout is for the revision that comes as well', async () => {
    const { engine, images } = api.world;
    images.add('slow:1');
    await api.call('POST', '/system/functions', plain);
    await available();
    await api.call('PUT', '/system/functions', { ...plain, image: 'slow:1' });
    const coming = 'openfaas-fn/f-00002' as const;
    await until('the new one is proved', () => engine.live(coming).length === 1);
    assert.equal((await api.call('POST', '/system/scale-function/f', { replicas: 3 })).status, 202);
    await until('the old one has three', async () => (await status()).availableReplicas === 3);
    await until('the new one has three', () => engine.live(coming).length === 3);
    engine.settle(coming, 'ready');
    await until('the old one is gone', () => engine.live('openfaas-fn/f-00001').length === 0);
    assert.equal((await status()).availableReplicas, 3);
  });

  test('a thousand functions are listed within 100 ms', async () => {
    const { store } = api.world;
    const spec = { namespace: 'openfaas-fn', image: 'good:1', secrets: [], labels: {}, annotations: {} };
    for (let i = 0; i < 1_000; i += 1) {
      const name = `f${i}`;
      await store.put(`functions/openfaas-fn/${name}`, {
        spec: { ...spec, name },
        latest: 0,
        replicas: 0,
        createdAt: '',
      });
    }
    // The quickest of a few: a machine that has other things to do says nothing about the list.
    const times: number[] = [];
    let json: unknown;
    for (let round = 0; round < 8; round += 1) {
      const startedMs = performance.now();
      ({ json } = await api.call('GET', '/system/functions'));
      times.push(performance.now() - startedMs);
    }
    assert.ok(Math.min(...times) < 100, `they took ${times.join(', ')} ms`);
    assert.equal((json as unknown[]).length, 1_000);
  });
});

describe('the edges of the API', () => {
  test('a wrong method on a known route is 405 with an empty body, an unknown route 404', async () => {
    const answer = await api.call('PUT', '/system/function/f');
    assert.deepEqual([answer.status, answer.text, answer.headers.get('allow')], [405, '', 'GET, HEAD']);
    assert.equal((await api.call('GET', '/system/nothing')).status, 404);
    assert.equal((await api.call('GET', '/system/function/%')).status, 400);
    assert.equal((await api.call('GET', `/system/function/${'x'.repeat(200)}`)).status, 400);
  });

  test('a body beyond the limit is 413', async () => {
    assert.equal((await api.call('POST', '/system/functions', 'x'.repeat(5 * 1024 * 1024))).status, 413);
  });

  test('info is complete and health answers', async () => {
    covers('endpoint', 'GET /system/info', 'GET /healthz');
    const info = (await api.call('GET', '/system/info')).json as Record<string, unknown>;
    assert.deepEqual(info['provider'], {
      provider: 'tinderbox',
      version: { sha: 'abc', release: '1.2.3' },
      orchestration: 'tinderbox',
    });
    assert.deepEqual(info['version'], { commit_message: 'a message', sha: 'abc', release: '1.2.3' });
    assert.equal((await api.call('GET', '/healthz')).text, 'OK');
    assert.equal((await api.call('HEAD', '/healthz')).status, 200);
  });

  test('nothing is reported to anybody', async () => {
    notApplicable('endpoint', 'GET /system/telemetry', 'nothing is measured for, or sent to, anybody else');
    assert.equal((await api.call('GET', '/system/telemetry')).status, 404);
  });

  test('images and instances are listed', async () => {
    await api.call('POST', '/system/functions', plain);
    await available();
    const images = (await api.call('GET', '/system/images')).json as { image: string }[];
    assert.ok(images.some(({ image }) => image === 'good:1'));
    for (const query of ['', '?function=f', '?function=f.openfaas-fn', '?namespace=openfaas-fn&function=f']) {
      const [instance] = (await api.call('GET', `/system/instances${query}`)).json as Record<string, unknown>[];
      assert.equal(instance?.['state'], 'ready');
      assert.equal(instance['function'], 'f');
    }
    assert.deepEqual((await api.call('GET', '/system/instances?function=g')).json, []);
  });
});
