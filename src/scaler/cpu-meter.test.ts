import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance } from '../model/instance.ts';
import { createCpuMeter } from './cpu-meter.ts';

test('the processor time of all instances grows between two looks, and those that are new count from the second on', async () => {
  const cpuMs = new Map([[1, 1_000]]);
  let nowMs = 0;
  let pids = [1];
  const meter = createCpuMeter({
    engine: {
      instances: () =>
        [...pids, 99].map((pid) => ({
          id: `i${pid}`,
          pid,
          state: 'ready',
          revision: pid === 99 ? 'ns/b-00001' : 'ns/a-00001',
        })) as unknown as readonly Instance[],
    },
    read: async (pid) => cpuMs.get(pid) ?? 0,
    now: () => nowMs,
  });
  await assert.rejects(meter('ns/a-00001'), { code: 'unavailable', message: /looked at twice/ });
  nowMs = 2_000;
  cpuMs.set(1, 2_500);
  pids = [1, 2];
  cpuMs.set(2, 10_000);
  // 1,500 ms in 2,000 ms are 750 thousandths; the new one had 10 s before it was looked at.
  assert.equal(await meter('ns/a-00001'), 750);
  nowMs = 4_000;
  cpuMs.set(1, 3_000);
  cpuMs.set(2, 11_000);
  assert.equal(await meter('ns/a-00001'), 250 + 500);
  pids = [];
  await assert.rejects(meter('ns/a-00001'), { code: 'unavailable' });
});

test('what is known of a revision goes with its instances, whoever is asked for next', async () => {
  let revision = 'ns/a-00001';
  let nowMs = 0;
  const meter = createCpuMeter({
    engine: { instances: () => [{ id: 'i1', pid: 1, state: 'ready', revision }] as unknown as readonly Instance[] },
    read: async () => nowMs,
    now: () => (nowMs += 1_000),
  });
  await assert.rejects(meter('ns/a-00001'), { code: 'unavailable' });
  assert.equal(await meter('ns/a-00001'), 1_000);
  revision = 'ns/b-00001';
  await assert.rejects(meter('ns/b-00001'), { code: 'unavailable' });
  revision = 'ns/a-00001';
  await assert.rejects(meter('ns/a-00001'), { code: 'unavailable', message: /looked at twice/ });
});
