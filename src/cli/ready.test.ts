import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBench, hello } from '../../test/support/command-bench.ts';

test('ready waits as often as it is told to, and not for what cannot come', async (t) => {
  const { run, state } = await createBench(t);
  assert.match((await run('ready')).stdout, /^\[1\/60\] Waiting for platform http.*\nplatform http.* is ready\n$/);
  const late = await run('ready hello --attempts 2 --interval 10ms');
  assert.deepEqual([late.exitCode, late.stdout.split('\n').length], [7, 3]);
  assert.match(late.stderr, /hello is not ready after 2 attempts: function hello not found/);
  assert.match(late.stderr, /hint: tinderbox list shows what there is\n$/);
  state.functions.set('hello', hello);
  state.replicas.set('hello', 0);
  const asleep = await run('ready hello --attempts 1');
  assert.match(
    asleep.stderr,
    /: it sleeps, scaled to zero\nhint: the next call wakes it, as does: tinderbox scale hello 1\n$/,
  );
  state.replicas.delete('hello');
  assert.equal((await run('ready hello --attempts 1')).exitCode, 0);
  assert.equal((await run('ready hello', { env: { TINDERBOX_DATA_DIR: '/nowhere' } })).exitCode, 4);
  const gone = await run('ready --attempts 1', { env: { OPENFAAS_URL: 'http://127.0.0.1:9' } });
  assert.deepEqual(
    [gone.exitCode, gone.stderr.split('\n').at(-2)],
    [7, 'hint: is it running? start it with: tinderbox up'],
  );
});
