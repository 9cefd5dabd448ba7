import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createBench, hello } from '../../test/support/command-bench.ts';
import { covers } from '../../test/support/covers.ts';

const stack = `functions:
  hello:
    image: hello:2
    environment: {A: "1", B: "2"}
    secrets: [key]
    labels: {team: web}
    annotations: {topic: a}
    limits: {memory: 128Mi}
    skip_build: true
  fresh: {image: "fresh:1", skip_build: true}
`;

test('differences are shown side by side, and end with 1', async (t) => {
  covers('command', 'diff');
  const { run, state, cwd } = await createBench(t);
  writeFileSync(join(cwd, 'stack.yaml'), stack);
  const envVars = { A: '1', C: '3' };
  state.functions.set('hello', { ...hello, image: 'hello:1', envVars, limits: { cpu: '1' }, envProcess: 'cat' });
  const { exitCode, stdout, stderr } = await run('diff');
  assert.deepEqual([exitCode, stderr], [1, 'error: 2 of 2 functions differ\n']);
  assert.equal(
    stdout,
    `fresh.openfaas-fn
  stack.yaml                               | deployed
  -----------------------------------------+-----------------------------------------
  - function: in the stack file            | + function: not deployed

hello.openfaas-fn
  stack.yaml                               | deployed
  -----------------------------------------+-----------------------------------------
  - env.B:         2                       |
  - image:         hello:2                 | + image:         hello:1
  - label.team:    web                     |
                                           | + limits.cpu:    1
  - limits.memory: 128Mi                   |
  - secret.key:    present                 |

`,
  );
});

test('which variables count can be chosen, and what is the same is said to be', async (t) => {
  const { run, state, cwd } = await createBench(t);
  writeFileSync(join(cwd, 'stack.yaml'), stack);
  const same = { image: 'hello:2', secrets: ['key'], labels: { team: 'web' }, limits: { memory: '128Mi' } };
  state.functions.set('hello', { ...hello, ...same, envVars: { A: '1', B: '2', C: '3' } });
  assert.deepEqual(await run('diff --filter hello'), {
    exitCode: 0,
    stdout: 'The stack file matches what is deployed.\n',
    stderr: '',
  });
  assert.match((await run('diff --filter hello --env all')).stdout, /\| \+ env\.C: +3\n/);
  assert.equal((await run('diff --filter hello --env remote')).exitCode, 1);
  state.functions.set('hello', { ...hello, ...same, envVars: { A: '1' } });
  assert.equal((await run('diff --filter hello --env remote')).exitCode, 0);
  assert.match((await run('diff --filter hello')).stdout, /- env\.B: +2 +\|\n/);
  assert.equal((await run('diff --env other')).exitCode, 2);
  assert.match((await run('diff --filter fresh --tag sha')).stderr, /--tag sha needs a git repository/);
  assert.match((await run('diff --filter fresh -n team')).stdout, /^fresh\.team\n/);
});
