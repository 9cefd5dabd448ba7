import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { ApiDocument, type DocumentedCall } from '../support/api-document.ts';
import { covers, differs, notApplicable } from '../support/covers.ts';
import { sourceArchive } from '../support/deploy.ts';
import { type TestPlatform, startPlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';
import { walkExec } from '../support/walk-exec.ts';

const ndjson = { accept: 'application/x-ndjson' };
const wrong = { authorization: 'Basic eDp5' };
const clock = { topic: 'cron-function', schedule: '@yearly' };
const mark = { labels: { openfaas: '1' } };
const source = async (config: object, handler = 'module.exports = async () => "hi";\n'): Promise<Uint8Array> =>
  new Uint8Array(await sourceArchive(config, { 'handler.js': handler }));

suite('the OpenAPI document', () => {
  let platform: TestPlatform;
  let document: ApiDocument;
  before(async () => {
    platform = await startPlatform();
    document = await ApiDocument.read(platform);
  });
  after(() => platform.dispose());
  const walk = async (calls: readonly DocumentedCall[]): Promise<void> => {
    for (const call of calls) await document.call(call);
  };

  test('what is open is told as it is', async () => {
    covers('endpoint', 'GET /healthz', 'GET /publickey');
    await walk([
      { operation: 'GET /healthz', status: 200 },
      { operation: 'GET /openapi.json', status: 200 },
      { operation: 'GET /store.json', status: 200 },
      { operation: 'GET /publickey', status: 200 },
    ]);
  });

  test('a build is told in each of its shapes', async () => {
    const build = 'POST /build';
    const bad = { image: 'broken:1', lang: 'exec' };
    await walk([
      { operation: build, body: await source({ image: 'hi:1' }), status: 200 },
      { operation: build, body: await source({ image: 'hi:1', noCache: true }), headers: ndjson, status: 200 },
      { operation: build, body: await source(bad), status: 422 },
      { operation: build, body: await source(bad), headers: ndjson, status: 200 },
      { operation: build, body: new Uint8Array(1024), status: 400 },
      { operation: build, body: await source({ image: 'hi:1' }), headers: wrong, status: 401 },
      { operation: 'GET /system/images', status: 200 },
    ]);
  });

  test('the payload secret signs a build in place of the password, and opens nothing else', async () => {
    differs('endpoint', 'POST /build', 'the image stays in the index of this platform and is pushed to no registry');
    const secret = readFileSync(join(platform.stateDir, 'payload-secret'), 'utf8').trim();
    const body = await source({ image: 'signed:1' });
    const send = async (path: string, signed: Uint8Array, sent = body): Promise<{ status: number; text: string }> => {
      const signature = `sha256=${createHmac('sha256', secret).update(signed).digest('hex')}`;
      const headers = { 'x-build-signature': signature };
      const answer = await fetch(platform.url + path, { method: 'POST', headers, body: new Uint8Array(sent) });
      return { status: answer.status, text: await answer.text() };
    };
    const built = await send('/build', body);
    assert.equal(built.status, 200, built.text);
    assert.match(built.text, /"status":"success"/);
    const changed = await send('/build', body, await source({ image: 'signed:2' }));
    assert.equal(changed.status, 401);
    assert.match(changed.text, /X-Build-Signature is not that of the body/);
    for (const path of ['/system/functions', '/build/', '//build', '/system/secrets-key']) {
      assert.equal((await send(path, body)).status, 401, path);
    }
    const images = await document.call({ operation: 'GET /system/images', status: 200 });
    assert.match(images, /signed:1/);
    assert.doesNotMatch(images, /signed:2/);
  });

  test('a function is told from its deploy to its end', async () => {
    covers('endpoint', 'POST /system/functions', 'PUT /system/functions', 'DELETE /system/functions');
    covers('endpoint', 'GET /system/functions', 'GET /system/function/{name}', 'POST /system/scale-function/{name}');
    covers('endpoint', '* /function/{name}', 'POST /system/alert');
    covers('variable', 'function fprocess', 'function OPENFAAS_NAME', 'function OPENFAAS_NAMESPACE');
    const full = {
      service: 'hi',
      image: 'hi:1',
      envVars: { A: 'b' },
      labels: { 'com.openfaas.scale.min': '1' },
      annotations: { topic: '{"json":1}' },
      limits: { memory: '256Mi', cpu: '500m' },
      requests: { memory: '64Mi' },
      constraints: ['zone=x'],
      readOnlyRootFilesystem: true,
    };
    const one = 'GET /system/function/{name}';
    await walk([
      { operation: 'PUT /system/functions', body: full, status: 404 },
      { operation: 'POST /system/functions', body: full, status: 202 },
      { operation: 'POST /system/functions', body: full, status: 409 },
      { operation: 'POST /system/functions', body: {}, status: 400 },
      { operation: 'POST /system/functions', body: new Uint8Array(5 * 2 ** 20), status: 413 },
      { operation: 'PUT /system/functions', body: full, status: 202 },
      { operation: 'PUT /system/functions', body: { ...full, image: '' }, status: 400 },
      { operation: one, path: '/system/function/No_Name', status: 400 },
      { operation: one, path: '/system/function/none', status: 404 },
    ]);
    await until('it is available', async () => {
      const text = await document.call({ operation: one, path: '/system/function/hi', status: 200 });
      return (JSON.parse(text) as { availableReplicas: number }).availableReplicas > 0;
    });
    const used = JSON.parse(
      await document.call({ operation: one, path: '/system/function/hi?usage=1&namespace=openfaas-fn', status: 200 }),
    ) as { usage: { cpu: number; totalMemoryBytes: number } };
    assert.ok(used.usage.totalMemoryBytes > 5 * 2 ** 20, `${used.usage.totalMemoryBytes} bytes`);
    assert.ok(used.usage.totalMemoryBytes < 2 ** 30);
    const revisions = 'GET /system/function/{name}/revisions';
    const scale = 'POST /system/scale-function/{name}';
    const scaling = 'GET /system/function/{name}/scaling';
    const alert = (name: string): object => ({ alerts: [{ status: 'resolved', labels: { function_name: name } }] });
    await walk([
      { operation: revisions, path: '/system/function/hi/revisions', status: 200 },
      { operation: revisions, path: '/system/function/none/revisions', status: 404 },
      { operation: revisions, path: '/system/function/No_Name/revisions', status: 400 },
      { operation: scaling, path: '/system/function/hi/scaling', status: 200 },
      { operation: scaling, path: '/system/function/none/scaling', status: 404 },
      { operation: scaling, path: '/system/function/No_Name/scaling', status: 400 },
      { operation: scale, path: '/system/scale-function/hi', body: { serviceName: 'hi', replicas: 1 }, status: 202 },
      { operation: scale, path: '/system/scale-function/hi', body: { replicas: -1 }, status: 400 },
      { operation: scale, path: '/system/scale-function/none', body: { replicas: 1 }, status: 404 },
      { operation: 'POST /system/alert', body: alert('hi'), status: 200 },
      { operation: 'POST /system/alert', body: alert('none'), status: 500 },
      { operation: 'POST /system/alert', body: {}, status: 400 },
      { operation: 'GET /system/functions', status: 200 },
      { operation: 'GET /system/functions', path: '/system/functions?namespace=No_Name', status: 400 },
      { operation: 'GET /system/instances', status: 200 },
      { operation: 'GET /system/instances', path: '/system/instances?function=No_Name', status: 400 },
      { operation: 'POST /async-function/{name}', path: '/async-function/hi', body: 'x', status: 202 },
      { operation: 'POST /async-function/{name}', path: '/async-function/none', body: 'x', status: 404 },
    ]);
    await walkExec(platform, document);
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const operation = `${method} /function/{name}`;
      await document.call({ operation, path: '/function/hi/rest?query=1', status: 200 });
      await document.call({ operation, path: '/function/none', status: 404 });
    }
  });

  test('logs are told with each of their parameters, and a wrong one is 422', async () => {
    covers('endpoint', 'GET /system/logs');
    const operation = 'GET /system/logs';
    const handler = 'module.exports = async (event) => { console.log("said " + event.body); return ""; };\n';
    await document.call({ operation: 'POST /build', body: await source({ image: 'talk:1' }, handler), status: 200 });
    await document.call({
      operation: 'POST /system/functions',
      body: { service: 'talk', image: 'talk:1' },
      status: 202,
    });
    for (const word of ['one', 'two', 'three']) {
      await until(`${word} is said`, async () => {
        const answer = await fetch(`${platform.url}/function/talk`, { method: 'POST', body: word });
        return answer.status === 200;
      });
    }
    const read = async (query: string): Promise<{ text: string; instance: string; timestamp: string }[]> => {
      const text = await document.call({ operation, path: `/system/logs?name=talk&${query}`, status: 200 });
      return text
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as never);
    };
    const said = (lines: readonly { text: string }[]): string[] =>
      lines.map(({ text }) => text.trim()).filter((text) => text.startsWith('said '));
    const lines = await until('all is kept', async () => {
      const found = await read('namespace=openfaas-fn&tail=-1&follow=false');
      return said(found).length === 3 && found;
    });
    assert.deepEqual(said(lines), ['said one', 'said two', 'said three']);
    assert.deepEqual(said(await read('tail=1')), ['said three']);
    const two = lines.find(({ text }) => text.includes('two'));
    assert.deepEqual(said(await read(`instance=${two?.instance}`)), ['said one', 'said two', 'said three']);
    assert.deepEqual(await read('instance=another'), []);
    assert.deepEqual(said(await read(`since=${encodeURIComponent(two?.timestamp ?? '')}`)).at(-1), 'said three');
    assert.deepEqual(await read('since=2999-01-01T00:00:00Z'), []);
    for (const query of [
      '',
      '?name=',
      '?name=talk&tail=x',
      '?name=talk&since=yesterday',
      '?name=talk&follow=perhaps',
    ]) {
      await document.call({ operation, path: `/system/logs${query}`, status: 422 });
    }
    await document.call({ operation, path: '/system/logs?name=none', status: 404 });
  });

  test('a follower gets lines as they come', async () => {
    const leave = new AbortController();
    const answer = await platform.fetch('/system/logs?name=talk&follow=1&tail=0', { signal: leave.signal });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    await fetch(`${platform.url}/function/talk`, { method: 'POST', body: 'four' });
    let text = '';
    while (!text.includes('said four')) text += Buffer.from((await reader.read()).value ?? []).toString();
    leave.abort();
    await reader.closed.catch(() => undefined);
  });

  test('secrets are told without their values, in either form, and a redeploy sees the new one', async () => {
    covers('endpoint', 'GET /system/secrets', 'POST /system/secrets', 'PUT /system/secrets', 'DELETE /system/secrets');
    const handler = [
      'const { readFileSync } = require("node:fs");',
      'module.exports = async () => readFileSync(`${process.env.OPENFAAS_SECRETS_DIR}/key`, "utf8");',
    ].join('\n');
    const rawValue = Buffer.from('raw').toString('base64');
    const deployment = { service: 'keyed', image: 'keyed:1', secrets: ['key'] };
    await walk([
      { operation: 'POST /build', body: await source({ image: 'keyed:1' }, handler), status: 200 },
      { operation: 'POST /system/secrets', body: { name: 'key', rawValue }, status: 202 },
      { operation: 'POST /system/secrets', body: { name: 'key', value: 'x' }, status: 409 },
      { operation: 'POST /system/secrets', body: { name: '../x', value: 'x' }, status: 400 },
      { operation: 'PUT /system/secrets', body: { name: 'none', value: 'x' }, status: 404 },
      { operation: 'PUT /system/secrets', body: { name: 'key' }, status: 400 },
      { operation: 'GET /system/secrets', path: '/system/secrets?namespace=openfaas-fn', status: 200 },
      { operation: 'GET /system/secrets', path: '/system/secrets?namespace=No_Name', status: 400 },
      { operation: 'POST /system/secrets-key', status: 200 },
      { operation: 'POST /system/functions', body: deployment, status: 202 },
    ]);
    const answers = (text: string): Promise<boolean> =>
      until(`it answers ${text}`, async () => {
        const answer = await fetch(`${platform.url}/function/keyed`);
        return answer.status === 200 && (await answer.text()) === text;
      });
    await answers('raw');
    await document.call({ operation: 'PUT /system/secrets', body: { name: 'key', value: 'plain' }, status: 202 });
    await document.call({ operation: 'PUT /system/functions', body: deployment, status: 202 });
    await answers('plain');
    await walk([
      { operation: 'DELETE /system/secrets', body: { name: 'key' }, status: 202 },
      { operation: 'DELETE /system/secrets', body: { name: 'key' }, status: 404 },
      { operation: 'DELETE /system/secrets', body: {}, status: 400 },
    ]);
  });

  test('stored calls are told in every state', async () => {
    const store = 'POST /async-function/{name}';
    const path = '/async-function/hi';
    const one = 'GET /system/invocations/{id}';
    const again = 'POST /system/invocations/{id}/replay';
    const later = { 'x-delay': '1h' };
    for (const id of ['one', 'two']) {
      await document.call({ operation: store, path, body: 'x', headers: { ...later, 'x-call-id': id }, status: 202 });
    }
    const dies = { 'x-call-id': 'dies' };
    const teapot = 'module.exports = async (event, context) => context.status(418).fail("no");\n';
    const annotations = { 'com.openfaas.retry.attempts': '1', 'com.openfaas.retry.codes': '418', ...clock };
    await walk([
      { operation: 'POST /build', body: await source({ image: 'teapot:1' }, teapot), status: 200 },
      {
        operation: 'POST /system/functions',
        body: { service: 'teapot', image: 'teapot:1', annotations },
        status: 202,
      },
      { operation: store, path: '/async-function/teapot', body: 'x', headers: dies, status: 202 },
      { operation: store, path, body: 'x', headers: { 'x-delay': 'soon' }, status: 400 },
      { operation: store, path, body: new Uint8Array(9 * 2 ** 20), status: 413 },
      { operation: one, path: '/system/invocations/one', status: 200 },
      { operation: one, path: '/system/invocations/none', status: 404 },
      { operation: `${one}/logs`, path: '/system/invocations/one/logs', status: 200 },
      { operation: `${one}/logs`, path: '/system/invocations/none/logs', status: 404 },
      { operation: 'GET /system/invocations', status: 200 },
      { operation: 'GET /system/invocations', path: '/system/invocations?limit=0', status: 400 },
      { operation: 'GET /system/queue', status: 200 },
      { operation: 'GET /system/schedules', status: 200 },
      { operation: 'DELETE /system/invocations/{id}', path: '/system/invocations/one', status: 202 },
      { operation: 'DELETE /system/invocations/{id}', path: '/system/invocations/one', status: 404 },
      { operation: 'DELETE /async-function/{id}', path: '/async-function/two', status: 202 },
      { operation: 'DELETE /async-function/{id}', path: '/async-function/two', status: 404 },
    ]);
    await until('the call to be given up', async () => {
      const text = await document.call({ operation: one, path: '/system/invocations/dies', status: 200 });
      return (JSON.parse(text) as { state: string }).state === 'dead';
    });
    await walk([
      { operation: again, path: '/system/invocations/dies/replay', status: 202 },
      { operation: again, path: '/system/invocations/none/replay', status: 404 },
      { operation: 'DELETE /system/dead-letters', status: 400 },
      { operation: 'DELETE /system/dead-letters', path: '/system/dead-letters?function=teapot', status: 200 },
    ]);
    const answer = await platform.fetch(path, { method: 'PUT', body: 'x' });
    assert.equal(answer.status, 405);
  });

  test('namespaces are told in both spellings', async () => {
    covers('endpoint', 'GET /system/namespaces', 'GET /system/namespace/{namespace}', 'POST /system/namespace/');
    covers('endpoint', 'PUT /system/namespace/{namespace}', 'DELETE /system/namespace/{namespace}');
    for (const [base, name] of [
      ['/system/namespaces', 'a'],
      ['/system/namespace', 'b'],
    ] as const) {
      const at = (path: string): { operation: string; path: string } => ({
        operation: `${path} ${base}/{name}`,
        path: `${base}/${name}`,
      });
      await walk([
        { operation: `POST ${base}`, path: `${base}/`, body: { name, ...mark }, status: 201 },
        { operation: `POST ${base}`, body: { name, ...mark }, status: 409 },
        { operation: `POST ${base}`, body: { name: 'c' }, status: 400 },
        { operation: `GET ${base}`, status: 200 },
        { ...at('GET'), status: 200 },
        { ...at('PUT'), body: { name, labels: { ...mark.labels, team: 'x' } }, status: 202 },
        { ...at('PUT'), body: { name: 'other', ...mark }, status: 400 },
        { ...at('DELETE'), body: { name }, status: 202 },
        { ...at('DELETE'), status: 404 },
        { ...at('GET'), status: 404 },
        { ...at('PUT'), body: mark, status: 404 },
        { ...at('POST'), body: mark, status: 201 },
        { ...at('POST'), body: mark, status: 409 },
        { ...at('POST'), body: {}, status: 400 },
        { operation: 'POST /system/functions', body: { service: 'in', image: 'hi:1', namespace: name }, status: 202 },
        { ...at('DELETE'), status: 409 },
        { ...at('DELETE'), path: `${base}/openfaas-fn`, status: 403 },
        { operation: 'DELETE /system/functions', body: { functionName: 'in', namespace: name }, status: 202 },
      ]);
    }
  });

  test('triggers are told in both kinds, and those of annotations', async () => {
    const all = '/system/triggers';
    const one = `${all}/{name}`;
    const at = (method: string, rest: string): { operation: string; path: string } => ({
      operation: `${method} ${one}${/\/(pause|resume)/.exec(rest)?.[0] ?? ''}`,
      path: `${all}/${rest}`,
    });
    const nightly = { name: 'nightly', function: 'teapot', schedule: { expressions: ['0 3 * * *'] } };
    const nats = { servers: ['nats://127.0.0.1:1'], subject: 'orders.>', stream: 'ORDERS' };
    const orders = { name: 'orders', function: 'teapot', nats, headers: { a: 'b' }, errorTopic: 'failed' };
    const annotated = 'teapot:cron-function';
    await walk([
      { operation: `POST ${all}`, body: nightly, status: 201 },
      { operation: `POST ${all}`, body: orders, status: 201 },
      { operation: `POST ${all}`, body: nightly, status: 409 },
      { operation: `POST ${all}`, body: { name: 'x', function: 'teapot' }, status: 400 },
      { operation: `GET ${all}`, status: 200 },
      { operation: `GET ${all}`, path: `${all}?function=A_`, status: 400 },
      { ...at('GET', 'orders'), status: 200 },
      { ...at('GET', annotated), status: 200 },
      { ...at('GET', 'none'), status: 404 },
      { ...at('GET', 'none?namespace=A_'), status: 400 },
      { ...at('PUT', 'nightly'), body: { ...nightly, path: '/x' }, status: 202 },
      { ...at('PUT', 'nightly'), body: { ...nightly, version: 1 }, status: 409 },
      { ...at('PUT', 'nightly'), body: orders, status: 400 },
      { ...at('PUT', 'none'), body: { ...nightly, name: 'none' }, status: 404 },
      { ...at('PUT', annotated), body: { ...nightly, name: annotated }, status: 403 },
      ...['pause', 'resume'].flatMap((action) => [
        { ...at('POST', `nightly/${action}`), status: 202 },
        { ...at('POST', `none/${action}`), status: 404 },
        { ...at('POST', `${annotated}/${action}`), status: 403 },
        { ...at('POST', `nightly/${action}?namespace=A_`), status: 400 },
      ]),
      { ...at('DELETE', annotated), status: 403 },
      { ...at('DELETE', 'nightly?namespace=A_'), status: 400 },
      { ...at('DELETE', 'nightly'), status: 202 },
      { ...at('DELETE', 'nightly'), status: 404 },
      { ...at('DELETE', 'orders'), status: 202 },
    ]);
  });

  test('a function goes by body or query', async () => {
    const operation = 'DELETE /system/functions';
    await walk([
      { operation, body: {}, status: 400 },
      { operation, body: { functionName: 'none' }, status: 404 },
      { operation, path: '/system/functions?functionName=hi&namespace=openfaas-fn', status: 202 },
      { operation: 'GET /system/info', status: 200 },
    ]);
  });

  test('what needs the password says so in words, and no answer of the document was left out', async () => {
    covers('endpoint', 'GET /system/info');
    differs('endpoint', 'GET /metrics', 'at a port of its own, and with series OpenFaaS sells');
    notApplicable('endpoint', 'GET /system/telemetry', 'nothing is measured for, or sent to, anybody else');
    for (const entry of document.unseen) {
      const [method, path, status] = entry.split(' ');
      if (status !== '401') continue;
      await document.call({ operation: `${method} ${path}`, headers: wrong, status: 401 });
    }
    assert.deepEqual(document.unseen, []);
    assert.equal((await platform.fetch('/system/telemetry')).status, 404);
    assert.match(await (await fetch(`${platform.metricsUrl}/metrics`)).text(), /gateway_function_invocation_total\{/);
  });
});
