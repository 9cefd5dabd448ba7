import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { createBench } from '../../test/support/command-bench.ts';
import { covers } from '../../test/support/covers.ts';

const stack = `functions:
  b: {image: "b:1", skip_build: true}
  a:
    image: a
    skip_build: true
    environment: {Z: "1", A: "2"}
    environment_file: [env.yml]
    secrets: [key]
    labels: {x: "true"}
    annotations: {topic: t}
    constraints: ["n == 1"]
    limits: {memory: 128Mi, cpu: 100m}
    requests: {memory: 64Mi}
    readonly_root_filesystem: true
`;

test('a Function resource says what the stack file says, in the order of names', async (t) => {
  covers('command', 'generate');
  const { run, cwd } = await createBench(t);
  writeFileSync(join(cwd, 'stack.yaml'), stack);
  writeFileSync(join(cwd, 'env.yml'), 'environment: {A: file}\n');
  const { exitCode, stdout, stderr } = await run('generate');
  assert.equal(exitCode, 0, stderr);
  const [a, b] = parseAllDocuments(stdout).map((document) => document.toJS() as unknown);
  assert.deepEqual(a, {
    apiVersion: 'openfaas.com/v1',
    kind: 'Function',
    metadata: { name: 'a', namespace: 'openfaas-fn' },
    spec: {
      name: 'a',
      image: 'a:latest',
      environment: { Z: '1', A: 'file' },
      labels: { x: 'true' },
      annotations: { topic: 't' },
      limits: { memory: '128Mi', cpu: '100m' },
      requests: { memory: '64Mi' },
      constraints: ['n == 1'],
      secrets: ['key'],
      readOnlyRootFilesystem: true,
    },
  });
  assert.deepEqual((b as { spec: object }).spec, { name: 'b', image: 'b:1' });
  assert.match(
    (await run('generate -n team --filter b')).stdout,
    /^---\napiVersion: .*\nkind: Function\nmetadata:\n {2}name: b\n {2}namespace: team\n/,
  );
});

test('what readers of YAML 1.1 such as kubectl would take for something else stays text', async (t) => {
  const { run, cwd } = await createBench(t);
  const texts = { y: 'yes', on: 'off', A: '012', B: '1:30', C: '0x1F', D: '1_000', E: '2026-12-01', F: '~' };
  const entry = { image: 'a:1', skip_build: true, environment: texts, labels: { n: 'No' } };
  writeFileSync(join(cwd, 'stack.yaml'), JSON.stringify({ functions: { a: entry } }));
  for (const line of ['generate', 'generate --api serving.knative.dev/v1']) {
    const { stdout } = await run(line);
    assert.deepEqual(parse(stdout, { version: '1.1' }), parse(stdout), line);
  }
});

test('a Knative service mounts the secrets where functions look for them', async (t) => {
  const { run, cwd } = await createBench(t);
  writeFileSync(join(cwd, 'stack.yaml'), stack.replace('    environment_file: [env.yml]\n', ''));
  const { stdout } = await run('generate --api serving.knative.dev/v1 --filter a');
  assert.deepEqual(parse(stdout), {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'a', namespace: 'openfaas-fn', annotations: { topic: 't' } },
    spec: {
      template: {
        spec: {
          containers: [
            {
              image: 'a:latest',
              env: [
                { name: 'A', value: '2' },
                { name: 'Z', value: '1' },
              ],
              volumeMounts: [{ name: 'key', mountPath: '/var/openfaas/secrets/key', readOnly: true }],
            },
          ],
          volumes: [{ name: 'key', secret: { secretName: 'key' } }],
        },
      },
    },
  });
});

test('a function of a store becomes a resource under another name, for a processor', async (t) => {
  const { run, cwd } = await createBench(t);
  const entry = {
    name: 'figlet',
    title: 'Figlet',
    fprocess: 'figlet',
    images: { x86_64: 'f:1', arm64: 'f:arm' },
    labels: { a: 'b' },
  };
  writeFileSync(join(cwd, 'store.json'), JSON.stringify({ version: '0.2.0', functions: [entry] }));
  const words = '--from-store figlet --name big --arch arm64 --annotation c=d --label e=f --url store.json';
  const made = await run(`generate ${words}`);
  assert.equal(made.exitCode, 0, made.stderr);
  assert.deepEqual((parse(made.stdout) as { spec: object }).spec, {
    name: 'big',
    image: 'f:arm',
    environment: { fprocess: 'figlet' },
    labels: { a: 'b', e: 'f' },
    annotations: { c: 'd' },
  });
  assert.equal((await run('generate --from-store nope -u store.json')).exitCode, 3);
  assert.match(
    (await run('generate --from-store figlet --arch z80 -u store.json')).stderr,
    /hint: it has: x86_64, arm64/,
  );
  assert.equal((await run('generate --api v2')).exitCode, 2);
  assert.match((await run('generate --tag sha --from-store figlet -u store.json')).stdout, /image: f:1/);
});
