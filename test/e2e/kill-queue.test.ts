import assert from 'node:assert/strict';
import { suite } from 'node:test';
import { atOnce, CallLedger, ledgerFlags } from '../support/call-ledger.ts';
import { fault, momentsMs } from '../support/kill-world.ts';
import { until } from '../support/until.ts';

/** Calls of one round. */
const calls = 60;

suite('a platform that is killed with stored calls', { concurrency: 2 }, () => {
  fault(
    'while it accepts them runs each that was accepted',
    async (world, t) => {
      const ledger = await CallLedger.open(t, 'kill while accepting');
      await ledger.deploy(world.platform, 'told', 0);
      for (const moment of momentsMs) {
        const sending = ledger.send(world.platform, 'told', calls);
        const some = Math.min(calls - 1, 1 + Math.floor(moment / 4));
        await until('some to be accepted', () => ledger.accepted >= some);
        await world.platform.kill();
        await sending;
        world.platform = await world.platform.restart();
        await ledger.close(world.platform);
      }
    },
    ledgerFlags,
  );

  fault(
    'while they run hands out again those that ran, and no others',
    async (world, t) => {
      const ledger = await CallLedger.open(t, 'kill while executing');
      await ledger.deploy(world.platform, 'told', 40);
      for (const moment of momentsMs) {
        await ledger.send(world.platform, 'told', calls);
        await until('some to run', () => ledger.begun > 0);
        await world.at(moment);
        await world.killAndRestart();
        await ledger.close(world.platform);
      }
    },
    ledgerFlags,
  );

  fault(
    'while it notes that they are done runs those again that were not noted',
    async (world, t) => {
      const ledger = await CallLedger.open(t, 'kill while acknowledging');
      await ledger.deploy(world.platform, 'told', 0);
      for (const moment of momentsMs) {
        await ledger.send(world.platform, 'told', calls);
        const half = Math.min(calls - atOnce, 1 + Math.floor(moment / 8));
        await until('some to be over', () => ledger.begun >= half);
        await world.killAndRestart();
        await ledger.close(world.platform);
      }
    },
    ledgerFlags,
  );

  fault(
    'and whose instance is killed instead runs in the next one what the first had begun',
    async (world, t) => {
      const ledger = await CallLedger.open(t, 'kill of the instance');
      for (const [round, moment] of momentsMs.entries()) {
        // A function of its own each time: one that crashes fifty times is given more and more time to think.
        const name = `told${round}`;
        await ledger.deploy(world.platform, name, 40);
        const pid = await world.pidOf(name);
        await ledger.send(world.platform, name, calls);
        await until('some to run', () => ledger.begun > 0);
        await world.at(moment);
        assert.ok(process.kill(pid, 'SIGKILL'));
        await ledger.close(world.platform);
        await until('another instance', async () => (await world.pidOf(name)) !== pid);
        const body = JSON.stringify({ functionName: name });
        await world.platform.fetch('/system/functions', { method: 'DELETE', body });
      }
    },
    ledgerFlags,
  );
});
