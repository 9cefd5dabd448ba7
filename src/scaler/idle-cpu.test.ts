import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIdleCpu } from './idle-cpu.ts';

test('the idle share is that of the time between two looks, over all cores', () => {
  const times = { user: 1_000, nice: 0, sys: 0, idle: 9_000, irq: 0 };
  const idleCpu = createIdleCpu({ read: () => [{ times: { ...times } }, { times: { ...times } }] });
  assert.equal(idleCpu(0), 1, 'nothing is known yet');
  times.user += 750;
  times.idle += 250;
  assert.equal(idleCpu(100), 1, 'too soon for another look');
  assert.equal(idleCpu(1_000), 0.25);
  times.user += 100;
  times.sys += 100;
  assert.equal(idleCpu(2_000), 0);
});

test('this host has a share between none and all', () => {
  const idleCpu = createIdleCpu();
  idleCpu(0);
  const share = idleCpu(1_000);
  assert.ok(share >= 0 && share <= 1, String(share));
});
