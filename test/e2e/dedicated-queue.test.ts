import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { InvocationStatus } from '../../src/model/invocation-status.ts';
import { covers } from '../support/covers.ts';
import { deployFiles } from '../support/deploy.ts';
import { type TestPlatform, usePlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** Holds everybody who comes, until they are let through. */
async function openGate(t: TestContext): Promise<{ url: string; held: ServerResponse[] }> {
  const held: ServerResponse[] = [];
  const server = createServer((_, response) => void held.push(response));
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, held };
}

async function send(platform: TestPlatform, name: string): Promise<{ status: number; text: string; id: string }> {
  const answer = await fetch(`${platform.url}/async-function/${name}`, { method: 'POST', body: name });
  return { status: answer.status, text: await answer.text(), id: answer.headers.get('x-call-id') ?? '' };
}

test('a function with a queue of its own has its own bounds, holds nobody up, and its record says what a call cost', async (t) => {
  covers('annotation', 'com.openfaas.queue');
  const platform = await usePlatform(t, ['--queue-dedicated', 'reports=2/5']);
  const { url, held } = await openGate(t);
  const handler = `module.exports = async (event) => {
  console.log('began ' + event.body);
  await fetch('${url}');
  console.log('ended\\u001b');
  return 'report';
};
`;
  const limits = { memory: '256Mi' };
  const spec = { limits, annotations: { 'com.openfaas.queue': 'reports' } };
  await deployFiles(platform, 'report', { 'handler.js': handler }, { spec });
  await deployFiles(platform, 'free', { 'handler.js': handler });

  const reports = [];
  for (let i = 0; i < 5; i += 1) reports.push(await send(platform, 'report'));
  assert.deepEqual(
    reports.map(({ status }) => status),
    Array(5).fill(202),
  );
  const sixth = await send(platform, 'report');
  assert.equal(sixth.status, 429);
  assert.match(sixth.text, /report\.openfaas-fn has 5 queued calls, the limit is 5/);
  await until('two of its calls to run', () => held.length === 2);
  for (let i = 0; i < 6; i += 1) assert.equal((await send(platform, 'free')).status, 202);
  await until('all six of the other function to run', () => held.length === 8);

  const queues = await platform.cli(['invocations', 'queues']);
  assert.match(queues.stdout, /^Queue +Function +Stored +Bytes +Running +At once$/m);
  assert.match(queues.stdout, /^default +free\.openfaas-fn +6 +24 +6 +16$/m);
  assert.match(queues.stdout, /^reports +report\.openfaas-fn +5 +30 +2 +16$/m);
  const metrics = await (await fetch(`${platform.metricsUrl}/metrics`)).text();
  assert.match(metrics, /queue_worker_pending_messages\{queue_name="reports",function_name="report\.openfaas-fn"\} 5/);
  assert.match(metrics, /function_invocation_inflight\{queue_name="reports",function_name="report\.openfaas-fn"\} 2/);
  assert.match(metrics, /queue_worker_messages_submitted_total\{queue_name="reports"\} 5/);

  const { id = '' } = reports[0] ?? {};
  let letThrough = 0;
  const ended = async (): Promise<boolean> => {
    for (; letThrough < held.length; letThrough += 1) held[letThrough]?.end();
    return (await platform.cli(['invocations', 'queues', '-o', 'name'])).stdout === '';
  };
  await until('all to be over', ended, 60_000);
  assert.equal((await platform.cli(['invocations', 'wait', id])).stdout, `Call ${id} is done with status 200.\n`);
  const call = (await (await platform.fetch(`/system/invocations/${id}`)).json()) as InvocationStatus;
  const { created, started = '', finished = '', billedMs, gbSeconds, durationMs = 0 } = call;
  assert.ok(Date.parse(created) <= Date.parse(started) && Date.parse(started) <= Date.parse(finished));
  assert.ok(billedMs > 0 && billedMs <= Math.ceil(durationMs) + 1, `${billedMs} of ${durationMs} ms`);
  assert.equal(gbSeconds.toFixed(6), ((billedMs / 1000) * 0.25).toFixed(6));
  const shown = (await platform.cli(['invocations', 'show', id])).stdout;
  assert.match(shown, /^gbSeconds: +0\.\d+$/m);
  assert.match(shown, /^durationMs: +\d+\.\d$/m);
  assert.match(shown, /\nresponse:\nreport\nlogs:\n\S+Z began report\n\S+Z ended\\x1b\n$/);

  const bad = { service: 'report', image: 'report:1', annotations: { 'com.openfaas.queue': 'a b' } };
  const refused = await platform.fetch('/system/functions', { method: 'PUT', body: JSON.stringify(bad) });
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /com\.openfaas\.queue "a b" is not the name of a queue/);
});
