import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { runInTest } from '../../src/cli/testing/test-shell.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { buildFaasCli, runProgram } from './go-program.ts';

const stack = `version: 1.0
provider: {name: openfaas, gateway: "http://127.0.0.1:8080"}
functions:
  b: {image: "b:1", skip_build: true}
  a:
    lang: node
    handler: ./a
    image: a
    environment: {Z: "1", A: "2"}
    environment_file: [env.yml]
    secrets: [key, two]
    labels: {x: "true"}
    annotations: {topic: t}
    constraints: ["n == 1"]
    limits: {memory: 128Mi, cpu: 100m}
    requests: {memory: 64Mi}
    readonly_root_filesystem: true
`;

/** Amounts that are not set; faas-cli writes them down as empty texts. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutEmpty);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (each === '' ? [] : [[key, withoutEmpty(each)]])),
  );
}

const resources = (text: string): unknown[] =>
  parseAllDocuments(text)
    .map((document) => withoutEmpty(document.toJS()))
    .filter((each) => each !== null);

test('generate writes the resources that faas-cli writes, without amounts that are not set', async (t) => {
  const client = buildFaasCli();
  if (!requirement(t, 'file' in client, 'missing' in client ? client.missing : '')) return;
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'stack.yml'), stack);
  writeFileSync(join(cwd, 'env.yml'), 'environment: {A: file}\n');
  const lines = ['', '--api serving.knative.dev/v1', '-n team --filter b', '--regex ^a --tag latest'];
  for (const line of lines) {
    const words = ['generate', ...line.split(' ').filter((word) => word !== '')];
    const theirs = await runProgram('file' in client ? client.file : '', words, { cwd });
    const ours = await runInTest(words, { cwd });
    assert.deepEqual([theirs.code, ours.exitCode], [0, 0], `${theirs.output}${ours.stderr}`);
    assert.ok(resources(theirs.output).length > 0, line);
    assert.deepEqual(resources(ours.stdout), resources(theirs.output), line);
  }
});
