import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBench, hello } from '../../test/support/command-bench.ts';
import { rankByUse, useRows } from './top/use-rows.ts';

test('rates come from two looks, and a count that began anew counts from zero', () => {
  const fn = { ...hello, name: 'a', invocationCount: 10, replicas: 2, availableReplicas: 1 };
  const before = { atMs: 1000, functions: [fn, { ...fn, name: 'b', invocationCount: 50 }] };
  const usage = { cpu: 250, totalMemoryBytes: 2 ** 20 };
  const now = {
    atMs: 3000,
    functions: [
      { ...fn, invocationCount: 30 },
      { ...fn, name: 'b', invocationCount: 4, usage },
      { ...fn, name: 'c', invocationCount: 2 },
    ],
  };
  const rows = rankByUse(useRows(before, now));
  assert.deepEqual(
    rows.map(({ name, callsPerSecond, cpuMillis }) => [name, callsPerSecond, cpuMillis]),
    [
      ['b', 2, 250],
      ['a', 10, undefined],
      ['c', 1, undefined],
    ],
  );
});

test('top prints what functions use, once on request, in any format', async (t) => {
  const { run, state } = await createBench(t);
  state.functions.set('hello', hello);
  state.usage = { cpu: 12.4, totalMemoryBytes: 3 * 2 ** 20 };
  const { stdout } = await run('top --once --interval 10ms -o wide');
  assert.match(
    stdout,
    /^Function +Replicas +CPU +Memory +Calls\/s +Invocations +Namespace\nhello +1\/1 +12m +3\.0Mi +0\.0 +7 +openfaas-fn\n$/,
  );
  const [row] = JSON.parse((await run('top --once --interval 10ms -j')).stdout) as { memoryBytes: number }[];
  assert.equal(row?.memoryBytes, 3 * 2 ** 20);
  assert.equal((await run('top --interval soon')).exitCode, 2);
});
