import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { covers } from '../support/covers.ts';
import { deployFiles } from '../support/deploy.ts';
import { type TestPlatform, usePlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { until } from '../support/until.ts';
import { buildGoProgram } from './go-program.ts';

interface Line {
  readonly topics?: readonly string[];
  readonly topic?: string;
  readonly function?: string;
  readonly status?: number;
  readonly body?: string;
  readonly callId?: string;
  readonly error?: string;
}

/** The connector as a child; `send` takes an event, an empty one asks for the topics it knows. */
function startConnector(file: string, platform: TestPlatform) {
  const GATEWAY_PASSWORD = readFileSync(join(platform.stateDir, 'password'), 'utf8').trim();
  const child = spawn(file, [], { env: { GATEWAY_URL: platform.url, GATEWAY_PASSWORD } });
  const lines: Line[] = [];
  const complaints: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
  const exited = once(child, 'exit');
  return {
    lines,
    complaints,
    running: () => child.exitCode === null,
    send: (event: string) => void child.stdin.write(`${event}\n`),
    async end(): Promise<void> {
      child.stdin.end();
      await exited;
    },
  };
}

test('a connector of OpenFaaS’s connector-sdk calls the functions that listen to a topic, in every namespace', async (t) => {
  covers('annotation', 'topic');
  covers('endpoint', 'GET /system/namespaces', 'GET /system/functions');
  const client = buildGoProgram('connector', 'go-connector');
  if (!requirement(t, 'file' in client, 'missing' in client ? client.missing : '')) return;
  const platform = await usePlatform(t);
  const connector = startConnector('file' in client ? client.file : '', platform);
  t.after(() => connector.end());
  const topics = async (): Promise<readonly string[]> => {
    const known = connector.lines.length;
    connector.send('');
    await until('it tells its topics', () => connector.lines.slice(known).some((line) => line.topics !== undefined));
    return [...(connector.lines.findLast((line) => line.topics !== undefined)?.topics ?? [])].sort();
  };
  const handler = 'module.exports = async (event) => `${event.headers["x-topic"]}: ${event.body}`;\n';
  const body = JSON.stringify({ name: 'dev', labels: { openfaas: '1' } });
  assert.equal((await platform.fetch('/system/namespace/', { method: 'POST', body })).status, 201);
  const deploy = (name: string, topic: string, namespace: string): Promise<void> => {
    const spec = { annotations: { topic }, namespace };
    return namespace === 'dev'
      ? deployInDev(platform, name, spec)
      : deployFiles(platform, name, { 'handler.js': handler }, { spec });
  };
  await deploy('payer', 'paid,refunded', 'openfaas-fn');
  await deploy('mailer', 'paid,mail', 'openfaas-fn');
  await deploy('payer', 'paid,dev', 'dev');
  // A topic of each one's own tells that it is known.
  await until('it knows the topics', async () => (await topics()).join() === 'dev,mail,paid,refunded');

  const answersTo = async (event: string, count: number): Promise<readonly Line[]> => {
    const known = connector.lines.length;
    connector.send(event);
    const fresh = (): Line[] => connector.lines.slice(known).filter((line) => line.topics === undefined);
    await until(`${count} answer`, () => fresh().length >= count);
    return fresh().sort((a, b) => ((a.function ?? '') < (b.function ?? '') ? -1 : 1));
  };
  const paid = await answersTo('paid 42 Euro', 3);
  assert.deepEqual(
    paid.map(({ function: name, status, body: text }) => [name, status, text]),
    ['mailer.openfaas-fn', 'payer.dev', 'payer.openfaas-fn'].map((name) => [name, 200, 'paid: 42 Euro']),
  );
  for (const { callId } of paid) assert.match(callId ?? '', /^[A-Za-z0-9._-]{1,64}$/);
  const refunded = await answersTo('refunded 1 Euro', 1);
  assert.deepEqual(
    refunded.map(({ function: name }) => name),
    ['payer.openfaas-fn'],
  );

  const removed = await platform.fetch('/system/functions', {
    method: 'DELETE',
    body: JSON.stringify({ functionName: 'payer', namespace: 'openfaas-fn' }),
  });
  assert.equal(removed.status, 202);
  await until('it forgets the topic', async () => (await topics()).join() === 'dev,mail,paid');
  assert.ok(connector.running(), connector.complaints.join('\n'));
});

/** The image is there already; a deploy into another namespace needs no build of its own. */
async function deployInDev(platform: TestPlatform, name: string, spec: object): Promise<void> {
  const body = JSON.stringify({ service: name, image: `${name}:1`, ...spec });
  assert.equal((await platform.fetch('/system/functions', { method: 'POST', body })).status, 202);
  await until(`${name} is ready in dev`, async () => {
    const status = await platform.fetch(`/system/function/${name}?namespace=dev`);
    return ((await status.json()) as { availableReplicas: number }).availableReplicas > 0;
  });
}
