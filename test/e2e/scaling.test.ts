import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import type { ScalingReport } from '../../src/model/scaling-report.ts';
import { buildImage, deployFiles } from '../support/deploy.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

const handler = `
module.exports = async (event, context) => {
  const until = Date.now() + Number(event.query.ms);
  if (event.query.burn) {
    console.log('computing');
    while (Date.now() < until);
  }
  else await new Promise((done) => setTimeout(done, Number(event.query.ms)));
  return context.succeed('done');
};
`;

suite('what scales a function', () => {
  let platform: TestPlatform;
  /** What the Prometheus of this suite answers; it speaks its HTTP API, the real one is asked in test/peers. */
  let answer = 'not JSON';
  const queries: string[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    queries.push(new URLSearchParams(await text(request)).get('query') ?? '');
    response.end(answer);
  };
  const prometheus = createServer((request, response) => void take(request, response));

  before(async () => {
    await new Promise<void>((resolve) => prometheus.listen(0, '127.0.0.1', resolve));
    const { port } = prometheus.address() as AddressInfo;
    const flags = ['--log-level', 'info', '--scale-interval', '200ms', '--prometheus-url', `http://127.0.0.1:${port}`];
    platform = await startPlatform([...flags, '--scale-zero-duration', '45m']);
    await buildImage(platform, 'work:1', { 'handler.js': handler });
  });
  after(async () => {
    prometheus.close();
    prometheus.closeAllConnections();
    await platform.dispose();
  });

  const scale = (labels: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(labels).map(([key, value]) => [`com.openfaas.scale.${key}`, value]));
  const deploy = async (
    service: string,
    labels: Record<string, string>,
    more: { readonly annotations?: Record<string, string>; readonly envVars?: Record<string, string> } = {},
  ): Promise<void> => {
    const body = JSON.stringify({ service, image: 'work:1', labels: scale(labels), ...more });
    const deployed = await platform.fetch('/system/functions', { method: 'POST', body });
    assert.equal(deployed.status, 202, await deployed.text());
    await until(`${service} is ready`, async () => (await report(service)).ready > 0, 60_000);
  };
  const report = async (name: string): Promise<ScalingReport> =>
    (await (await platform.fetch(`/system/function/${name}/scaling`)).json()) as ScalingReport;
  const wanted = (name: string, what: string, is: (report: ScalingReport) => boolean): Promise<ScalingReport> =>
    until(`${name}: ${what}`, async () => [await report(name)].find(is), 60_000);

  test('cpu: what its instances use, measured by the system', async () => {
    await deploy('burns', { type: 'cpu', target: '100', 'target-proportion': '1', max: '3' });
    const burning = new AbortController();
    const calls = fetch(`${platform.url}/function/burns?burn=1&ms=20000`, { signal: burning.signal });
    calls.catch(() => undefined);
    const grown = await wanted('burns', 'grows', ({ desired = 0 }) => desired > 1);
    assert.match(grown.change?.reason ?? '', /load \d+(\.\d+)? by 100 × 1 for each instance/);
    burning.abort();
  });

  test('rps: calls done per second', async () => {
    await deploy('rates', { type: 'rps', target: '2', 'target-proportion': '1', max: '4' });
    const calls = Array.from({ length: 300 }, () => fetch(`${platform.url}/function/rates?ms=1`));
    for (const { status } of await Promise.all(calls)) assert.equal(status, 200);
    const grown = await wanted('rates', 'grows', ({ desired = 0 }) => desired === 4);
    assert.match(grown.change?.reason ?? '', /load \d+ by 2 × 1|maximum of 4; load/);
  });

  test('queue: stored calls that wait, those in an instance not', async () => {
    await deploy(
      'queued',
      { type: 'queue', target: '10', 'target-proportion': '1', max: '3' },
      { envVars: { max_inflight: '1' } },
    );
    for (let call = 0; call < 30; call += 1) {
      const stored = await fetch(`${platform.url}/async-function/queued?ms=700`, { method: 'POST' });
      assert.equal(stored.status, 202);
    }
    await wanted('queued', 'grows', ({ desired = 0, change }) => desired > 1 && (change?.load ?? 0) > 0);
  });

  test('a type of its own: what Prometheus says, and the count stays while it does not answer', async () => {
    await deploy('asked', { type: 'memory', target: '5', 'target-proportion': '1' });
    const silent = await wanted('asked', 'says why', ({ meterFailure }) => meterFailure !== undefined);
    assert.match(silent.meterFailure ?? '', /^Prometheus at http:\/\/127\.0\.0\.1:\d+ answers no JSON$/);
    assert.equal(silent.desired, 1);
    answer = '{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"11"]}]}}';
    const grown = await wanted('asked', 'grows', ({ desired }) => desired === 3);
    assert.equal(grown.meterFailure, undefined);
    assert.equal(
      queries[0],
      'sum(job:function_current_load:sum{function_name="asked.openfaas-fn",scaling_type="memory"})',
    );
  });

  test('capacity in a dry run is told in the log and by describe, and nothing happens', async () => {
    const body = JSON.stringify({
      service: 'dry',
      image: 'work:1',
      labels: { ...scale({ type: 'capacity', target: '1', min: '1' }), 'com.tinderbox.scale.dry-run': 'true' },
    });
    assert.equal((await platform.fetch('/system/functions', { method: 'POST', body })).status, 202);
    await until('dry is ready', async () => (await report('dry')).ready > 0, 60_000);
    const calls = Array.from({ length: 5 }, () => fetch(`${platform.url}/function/dry?ms=1500`));
    const shown = await wanted('dry', 'would grow', ({ change }) => (change?.to ?? 0) >= 5);
    await Promise.all(calls);
    assert.equal(shown.desired, 1);
    assert.equal(shown.dryRun, true);
    assert.match(platform.output(), /dry-00001: dry run, 1 would become \d+: load \d+ by 1 × 0\.9/);
    const described = await platform.cli(['describe', 'dry', '--scaling']);
    assert.equal(described.code, 0, described.stderr);
    assert.match(described.stdout, /^Last change: +\S+Z {2}1 → \d+ \(dry run\): load/m);
    assert.match(described.stdout, /^target +1 calls at once per instance +label com\.openfaas\.scale\.target$/m);
    assert.match(described.stdout, /^sleeps after +2700s +platform configuration$/m);
    assert.match(described.stdout, /^maximum +20 +default$/m);
    const json = await platform.cli(['describe', 'dry', '--scaling', '-o', 'json']);
    assert.equal((JSON.parse(json.stdout) as ScalingReport).revision, 'openfaas-fn/dry-00001');
  });

  test('calls that only compute have an instance for each core, and one call at once in each', async () => {
    await deploy('computes', {}, { annotations: { 'com.tinderbox.cpu-bound': 'true' } });
    const cores = availableParallelism();
    const calls = Array.from({ length: 6 * cores }, () => fetch(`${platform.url}/function/computes?burn=1&ms=300`));
    const grown = await wanted('computes', 'grows to the cores', ({ desired }) => desired === cores);
    assert.match(grown.decision?.reason ?? '', /^one for each of the \d+ cores; load |^load |^the calls/);
    for (const { status } of await Promise.all(calls)) assert.equal(status, 200);
    assert.equal((await report('computes')).desired, cores);
  });

  test('a call that computes holds up the others of its instance, and none where an instance takes one at once', async () => {
    await deploy('shared', { min: '1', max: '1' });
    const alone = { annotations: { 'com.tinderbox.cpu-bound': 'true' } };
    await deploy('alone', { min: '2', max: '2' }, alone);
    await wanted('alone', 'has two instances', ({ ready }) => ready === 2);
    const call = async (name: string, query: string, signal?: AbortSignal): Promise<number> =>
      (await fetch(`${platform.url}/function/${name}?${query}`, { signal: signal ?? null })).status;
    const begun = (name: string): Promise<unknown> =>
      until(`${name} computes`, async () =>
        /computing/.test(await (await platform.fetch(`/system/logs?name=${name}`)).text()),
      );

    const ended: string[] = [];
    const long = call('shared', 'burn=1&ms=1500').then(() => ended.push('computing'));
    await begun('shared');
    const short = call('shared', 'ms=0').then(() => ended.push('short'));
    await Promise.all([long, short]);
    assert.deepEqual(ended, ['computing', 'short']);

    const gone = new AbortController();
    let isOver = false;
    const computing = call('alone', 'burn=1&ms=45000', gone.signal).then(
      () => (isOver = true),
      () => undefined,
    );
    await begun('alone');
    for (let calls = 0; calls < 20; calls += 1) assert.equal(await call('alone', 'ms=0'), 200);
    assert.equal(isOver, false, 'twenty calls were answered while one computes');
    gone.abort();
    await computing;
    // Nobody waits for it, but it would go on.
    const instances = await platform.fetch('/system/instances?function=alone');
    for (const { pid } of (await instances.json()) as { pid: number }[]) process.kill(pid, 'SIGKILL');
  });

  test("Knative's annotations are in force and a window of the clock raises the minimum", async () => {
    const annotations = {
      'autoscaling.knative.dev/target': '1',
      'autoscaling.knative.dev/window': '6s',
      'autoscaling.knative.dev/max-scale': '4',
      'com.tinderbox.scale.schedule': '* * * * * for 1h min 2',
    };
    await deploy('kpa', {}, { annotations });
    await wanted('kpa', 'has its minimum', ({ desired, ready }) => desired === 2 && ready === 2);
    const calls = Array.from({ length: 4 }, () => fetch(`${platform.url}/function/kpa?ms=4000`));
    const grown = await wanted('kpa', 'grows', ({ desired }) => desired === 4);
    assert.match(grown.change?.reason ?? '', /panic: |maximum of 4|load /);
    await Promise.all(calls);
  });

  test('a wrong label is refused at deploy with its name, value and limit', async () => {
    const cases: readonly [Record<string, string>, Record<string, string>, RegExp][] = [
      [
        scale({ target: 'many' }),
        {},
        /label com\.openfaas\.scale\.target "many" is not a number from 0\.01 to 1000000/,
      ],
      [{}, { 'autoscaling.knative.dev/window': '2s' }, /dev\/window "2s" is not between 6000ms and 3600000ms/],
      [{}, { 'com.tinderbox.scale.schedule': 'noon' }, /scale\.schedule: the window "noon" does not read CRON for/],
    ];
    for (const [labels, annotations, message] of cases) {
      const body = JSON.stringify({ service: 'wrong', image: 'work:1', labels, annotations });
      const refused = await platform.fetch('/system/functions', { method: 'POST', body });
      assert.equal(refused.status, 400);
      assert.match(await refused.text(), message);
    }
  });
});

test('an alert holds its count until a restart, and again from its next repeat on', async (t) => {
  const report = async (): Promise<ScalingReport> =>
    (await (await platform.fetch('/system/function/held/scaling')).json()) as ScalingReport;
  // A count it only passes on its way to another does not count.
  const becomes = (count: number): Promise<unknown> => {
    const arrived = ({ desired, ready }: ScalingReport): boolean => desired === count && ready === count;
    return until(`there are ${count}`, async () => arrived(await report()), 60_000);
  };
  const fire = async (): Promise<void> => {
    const alerts = [{ status: 'firing', labels: { alertname: 'APIHighInvocationRate', function_name: 'held' } }];
    const body = JSON.stringify({ alerts });
    assert.equal((await platform.fetch('/system/alert', { method: 'POST', body })).status, 200);
  };
  let platform = await startPlatform(['--scale-interval', '100ms']);
  t.after(() => platform.dispose());
  const labels = { 'com.openfaas.scale.min': '1', 'com.openfaas.scale.max': '4', 'com.openfaas.scale.factor': '50' };
  const spec = { labels: { ...labels, 'com.openfaas.scale.type': 'capacity' } };
  await deployFiles(platform, 'held', { 'handler.js': handler }, { spec });
  await fire();
  await becomes(3);
  const { decision } = await until('it is held', async () =>
    [await report()].find((seen) => seen.decision?.recommended === 1),
  );
  assert.equal(decision?.reason, 'an alert asks for 3');
  await platform.stop();
  platform = await platform.restart();
  // What ran before is kept until the load is known, which is no word of the alert.
  const after = await until('it is looked at', async () => (await report()).decision);
  assert.doesNotMatch(after.reason, /alert/);
  await becomes(3);
  await fire();
  await becomes(4);
});
