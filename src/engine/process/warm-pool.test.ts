import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { tempDir } from '../../../test/support/temp-dir.ts';
import type { ProcessHost } from './process-host.ts';
import { WarmPool } from './warm-pool.ts';

/** A pool of programs that only exist here, with a clock of its own. */
function createBench(t: TestContext) {
  let nowMs = 0;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(performance, 'now', () => nowMs);
  const killed: string[] = [];
  const spawn = async ({ id }: { readonly id: string }) => {
    const ended = Promise.withResolvers<unknown>();
    const kill = (): void => {
      killed.push(id);
      ended.resolve({ lost: false, lastLines: [] });
    };
    return { id, over: false, listening: Promise.resolve(), ended: ended.promise, kill };
  };
  const host = {
    runDir: tempDir(t),
    runtimes: { node: '/bin/true', nodeMain: '/main' },
    secrets: {
      root: '/s',
      missing: undefined,
      directory: () => '/s/x',
      prepare: () => '',
      remove: async () => undefined,
    },
    sandbox: { confine: async () => ({ protections: { mountNamespace: false, missing: [] }, env: {}, cage: {} }) },
    keeper: { spawn },
  } as unknown as ProcessHost;
  const pool = new WarmPool({ host, sizes: { node: 2, python: 0 }, starting: () => 0 });
  t.after(() => pool.close());
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 50) {
      nowMs += 50;
      t.mock.timers.tick(50);
      for (let i = 0; i < 5; i += 1) await turn();
    }
  };
  return { pool, killed, pass };
}

test('what a burst of starts added to the pool goes again when none came for a while, all of it', async (t) => {
  const { pool, killed, pass } = createBench(t);
  pool.start();
  await pass(500);
  assert.equal(pool.size('node'), 2);
  pool.claim('node');
  pool.claim('node');
  await pass(1_000);
  assert.equal(pool.size('node'), 4);
  await pass(35_000);
  assert.deepEqual([pool.size('node'), killed.length], [2, 2]);
});
