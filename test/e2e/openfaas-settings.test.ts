import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { covers, differs, notApplicable } from '../support/covers.ts';
import { buildImage, deployFiles } from '../support/deploy.ts';
import { type TestPlatform, startPlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** Variables of OpenFaaS's gateway, each with a value that would stop it or open it. */
const gatewayVariables: Readonly<Record<string, string>> = {
  basic_auth: 'false',
  secret_mount_path: '/nowhere',
  read_timeout: '1ms',
  write_timeout: '1ms',
  upstream_timeout: '1ms',
  functions_provider_url: 'http://127.0.0.1:1/',
  logs_provider_url: 'http://127.0.0.1:1/',
  faas_nats_address: '127.0.0.1',
  faas_nats_port: '1',
  faas_nats_cluster_name: 'none',
  faas_nats_channel: 'none',
  faas_prometheus_host: '127.0.0.1',
  faas_prometheus_port: '1',
  scale_from_zero: 'false',
  max_idle_conns: '0',
  max_idle_conns_per_host: '0',
  auth_proxy_url: 'http://127.0.0.1:1/',
  auth_proxy_pass_body: 'true',
  function_namespace: 'elsewhere',
  write_request_uri: '1',
  direct_functions: 'true',
  probe_functions: 'true',
};

interface Status {
  readonly namespace: string;
  readonly replicas: number;
  readonly availableReplicas: number;
  readonly invocationCount?: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

suite('settings of OpenFaaS', () => {
  let platform: TestPlatform;
  const earlier: Record<string, string | undefined> = {};
  before(async () => {
    for (const [name, value] of Object.entries(gatewayVariables)) {
      earlier[name] = process.env[name];
      process.env[name] = value;
    }
    platform = await startPlatform();
    for (const [name, value] of Object.entries(earlier)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    const handler = [
      'module.exports = async () => {',
      '  await new Promise((done) => setTimeout(done, 50));',
      '  return process.env.OPENFAAS_NAME + "." + process.env.OPENFAAS_NAMESPACE;',
      '};',
    ].join('\n');
    await deployFiles(platform, 'plain', { 'handler.js': handler });
  });
  after(() => platform.dispose());

  const statusOf = async (name: string): Promise<Status> =>
    (await (await platform.fetch(`/system/function/${name}`)).json()) as Status;
  const deploy = async (name: string, spec: object): Promise<Response> =>
    platform.fetch('/system/functions', {
      method: 'POST',
      body: JSON.stringify({ service: name, image: 'plain:1', ...spec }),
    });
  const scale = async (name: string, replicas: number, query = ''): Promise<number> => {
    const body = JSON.stringify({ serviceName: name, replicas });
    return (await platform.fetch(`/system/scale-function/${name}${query}`, { method: 'POST', body })).status;
  };

  test('variables of OpenFaaS’s gateway neither open nor stop this one', async () => {
    notApplicable('variable', 'gateway basic_auth', 'the password is always asked for');
    notApplicable(
      'variable',
      'gateway secret_mount_path',
      'the password is in the data folder, or the setting `password`',
    );
    notApplicable(
      'variable',
      'gateway read_timeout',
      '`exec_timeout` of a function bounds its calls, `limits.stallTimeout` slow clients',
    );
    notApplicable(
      'variable',
      'gateway write_timeout',
      '`exec_timeout` of a function bounds its calls, `limits.stallTimeout` slow clients',
    );
    notApplicable('variable', 'gateway upstream_timeout', '`exec_timeout` of a function bounds its calls');
    notApplicable('variable', 'gateway functions_provider_url', 'gateway and provider are one program');
    notApplicable('variable', 'gateway logs_provider_url', 'gateway and provider are one program');
    notApplicable('variable', 'gateway faas_nats_address', 'the queue is part of the platform');
    notApplicable('variable', 'gateway faas_nats_port', 'the queue is part of the platform');
    notApplicable('variable', 'gateway faas_nats_cluster_name', 'the queue is part of the platform');
    notApplicable('variable', 'gateway faas_nats_channel', 'the queue is part of the platform');
    notApplicable('variable', 'gateway faas_prometheus_host', 'lists count calls without a Prometheus');
    notApplicable('variable', 'gateway faas_prometheus_port', 'lists count calls without a Prometheus');
    notApplicable('variable', 'gateway scale_from_zero', 'a call always wakes a sleeping function');
    notApplicable('variable', 'gateway max_idle_conns', 'there is no hop between gateway and provider');
    notApplicable('variable', 'gateway max_idle_conns_per_host', 'there is no hop between gateway and provider');
    notApplicable('variable', 'gateway auth_proxy_url', 'the gateway knows its one operator itself');
    notApplicable('variable', 'gateway auth_proxy_pass_body', 'the gateway knows its one operator itself');
    notApplicable('variable', 'gateway function_namespace', 'the default namespace is always openfaas-fn');
    notApplicable('variable', 'gateway write_request_uri', 'calls are counted, not logged');
    notApplicable('variable', 'gateway direct_functions', 'calls always go straight to an instance');
    notApplicable(
      'variable',
      'gateway probe_functions',
      'an instance takes calls once it is ready, without asking again',
    );
    assert.equal((await fetch(`${platform.url}/system/functions`)).status, 401);
    const { namespace } = await statusOf('plain');
    assert.equal(namespace, 'openfaas-fn');
    assert.equal(await scale('plain', 0), 202);
    await until('it sleeps', async () => (await statusOf('plain')).availableReplicas === 0);
    const called = await fetch(`${platform.url}/function/plain`);
    assert.deepEqual([called.status, await called.text()], [200, 'plain.openfaas-fn']);
    const stored = await fetch(`${platform.url}/async-function/plain`, { method: 'POST' });
    assert.equal(stored.status, 202);
    await until('both calls are counted', async () => {
      const [first] = (await (await platform.fetch('/system/functions')).json()) as Status[];
      return first?.invocationCount === 2;
    });
    assert.equal((await platform.fetch('/system/logs?name=plain')).status, 200);
    assert.doesNotMatch(platform.output(), /\/function\/plain/);
  });

  test('labels that bound the replicas do, wherever the namespace of a wish stands', async () => {
    covers('label', 'com.openfaas.scale.min', 'com.openfaas.scale.max', 'com.openfaas.scale.zero');
    covers('endpoint', 'POST /system/scale-function/{name}');
    const labels = { 'com.openfaas.scale.min': '2', 'com.openfaas.scale.max': '3' };
    assert.equal((await deploy('bound', { labels })).status, 202);
    await until('two are there', async () => (await statusOf('bound')).availableReplicas === 2);
    assert.equal(await scale('bound', 9, '?namespace=openfaas-fn'), 202);
    await until('three are there', async () => (await statusOf('bound')).availableReplicas === 3);
    assert.equal(await scale('bound', 1), 202);
    assert.equal((await statusOf('bound')).replicas, 2);
    const awake = await deploy('awake', { labels: { 'com.openfaas.scale.zero': 'false' } });
    assert.equal(awake.status, 202);
    const bad = await deploy('bad', { labels: { 'com.openfaas.scale.zero': 'perhaps' } });
    assert.equal(bad.status, 400);
  });

  test('a function sleeps after the time its label says', async () => {
    covers('label', 'com.openfaas.scale.zero-duration');
    assert.equal((await deploy('napper', { labels: { 'com.openfaas.scale.zero-duration': '1s' } })).status, 202);
    await until('it was there', async () => (await statusOf('napper')).availableReplicas === 1);
    await until('it sleeps', async () => (await statusOf('napper')).availableReplicas === 0, 30_000);
  });

  test('what only says something comes back as it was given, and what has no effect here does no harm', async () => {
    covers('label', 'com.openfaas.ui.ext', 'com.openfaas.git-branch', 'com.openfaas.git-owner');
    covers('label', 'com.openfaas.git-repo', 'com.openfaas.git-sha');
    covers('annotation', 'com.openfaas.git-repo-url');
    differs('label', 'uid', 'kept; every PUT makes a new revision by itself');
    differs('annotation', 'com.openfaas.profile', 'kept; there are no profiles');
    differs('annotation', 'com.openfaas.serviceaccount', 'kept; each function has a user of its own');
    differs('annotation', 'prometheus.io.scrape', 'kept; the platform counts for its functions');
    differs(
      'annotation',
      'com.openfaas.health.http.initialDelaySeconds',
      'kept; an instance that ends or breaks off is replaced at once',
    );
    differs(
      'annotation',
      'com.openfaas.health.http.periodSeconds',
      'kept; an instance that ends or breaks off is replaced at once',
    );
    differs(
      'annotation',
      'com.openfaas.health.http.timeoutSeconds',
      'kept; an instance that ends or breaks off is replaced at once',
    );
    differs(
      'annotation',
      'com.openfaas.health.http.failureThreshold',
      'kept; an instance that ends or breaks off is replaced at once',
    );
    differs('annotation', 'com.openfaas.ready.http.initialDelaySeconds', 'kept; readiness is looked for at once');
    differs(
      'annotation',
      'com.openfaas.ready.http.periodSeconds',
      'kept; readiness is looked for every few milliseconds until it is there',
    );
    differs(
      'annotation',
      'com.openfaas.ready.http.timeoutSeconds',
      'kept; an instance has `startTimeout` to become ready',
    );
    differs('annotation', 'com.openfaas.ready.http.successThreshold', 'kept; one good answer is enough');
    differs(
      'annotation',
      'com.openfaas.ready.http.failureThreshold',
      'kept; an instance has `startTimeout` to become ready',
    );
    const labels = {
      'com.openfaas.ui.ext': 'png',
      'com.openfaas.git-branch': 'main',
      'com.openfaas.git-owner': 'team',
      'com.openfaas.git-repo': 'functions',
      'com.openfaas.git-sha': 'b368a1c',
      uid: '1795280051014',
    };
    const annotations = {
      'com.openfaas.git-repo-url': 'https://example.com/functions',
      'com.openfaas.profile': 'gpu,fast',
      'com.openfaas.queue': 'slow-ones',
      'com.openfaas.serviceaccount': 'robot',
      'prometheus.io.scrape': 'false',
      'com.openfaas.health.http.initialDelaySeconds': '5',
      'com.openfaas.health.http.periodSeconds': '5',
      'com.openfaas.health.http.timeoutSeconds': '5',
      'com.openfaas.health.http.failureThreshold': '5',
      'com.openfaas.ready.http.initialDelaySeconds': '5',
      'com.openfaas.ready.http.periodSeconds': '5',
      'com.openfaas.ready.http.timeoutSeconds': '5',
      'com.openfaas.ready.http.successThreshold': '5',
      'com.openfaas.ready.http.failureThreshold': '5',
      'a JSON text': '{"a":[1,"b"]}',
    };
    assert.equal((await deploy('kept', { labels, annotations })).status, 202);
    const status = await until('it is there', async () => {
      const found = await statusOf('kept');
      return found.availableReplicas === 1 && found;
    });
    assert.deepEqual(status.labels, { ...labels, faas_function: 'kept' });
    assert.deepEqual(status.annotations, annotations);
    assert.equal((await fetch(`${platform.url}/function/kept`)).status, 200);
  });

  test('a program is ready when its path says so; readiness comes before health', async () => {
    covers('annotation', 'com.openfaas.ready.http.path', 'com.openfaas.health.http.path');
    const server = [
      'let asked = 0;',
      'require("node:http").createServer((request, response) => {',
      '  if (request.url !== "/") asked += 1;',
      '  response.writeHead(request.url === "/" || asked > 2 ? 200 : 503).end(request.url + " " + asked);',
      '}).listen(process.env.PORT);',
    ].join('\n');
    await buildImage(
      platform,
      'server:1',
      { 'server.js': server },
      { lang: 'exec', process: 'node server.js', mode: 'http' },
    );
    for (const [name, annotations] of [
      ['ready', { 'com.openfaas.ready.http.path': '/r', 'com.openfaas.health.http.path': '/h' }],
      ['healthy', { 'com.openfaas.health.http.path': '/h' }],
    ] as const) {
      const body = JSON.stringify({ service: name, image: 'server:1', annotations });
      assert.equal((await platform.fetch('/system/functions', { method: 'POST', body })).status, 202);
      await until(`${name} is there`, async () => (await statusOf(name)).availableReplicas === 1);
      assert.equal(await (await fetch(`${platform.url}/function/${name}`)).text(), '/ 3');
    }
  });

  test('tokens are neither given nor taken', async () => {
    notApplicable('endpoint', 'POST /oauth/token', 'the platform has one operator, who has a password');
    notApplicable(
      'endpoint',
      'GET /.well-known/openid-configuration',
      'the platform has one operator, who has a password',
    );
    for (const [method, path] of [
      ['POST', '/oauth/token'],
      ['GET', '/.well-known/openid-configuration'],
    ] as const) {
      assert.equal((await platform.fetch(path, { method })).status, 404);
      assert.equal((await fetch(platform.url + path, { method })).status, 401);
    }
  });
});
