import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, suite, test } from 'node:test';
import { assertBystanderAnswers, assertNothingNoticed, callsUnderWay, deployBystander } from '../support/bystander.ts';
import { deployFiles } from '../support/deploy.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { openConnection, type RawConnection } from '../support/raw-connection.ts';
import { until } from '../support/until.ts';

const fixture = readFileSync(join(import.meta.dirname, '../fixtures/clients/watched.mjs'), 'utf8');
/** Calls the function takes at once: every slot that is not given back is missed. */
const slots = 4;
const host = 'HTTP/1.1\r\nHost: x\r\n';

interface Counts {
  readonly seen: number;
  readonly active: number;
  readonly canceled: number;
  readonly chunks: number;
}

suite('bad clients', () => {
  let platform: TestPlatform;
  const open: RawConnection[] = [];
  before(async () => {
    platform = await startPlatform(['--limits-stall-timeout', '800ms', '--limits-headers-timeout', '800ms']);
    await deployBystander(platform);
    // A slot more, to ask for the counts.
    const spec = { envVars: { max_inflight: String(slots + 1) }, labels: { 'com.openfaas.scale.max': '1' } };
    await deployFiles(platform, 'watched', { 'handler.mjs': fixture }, { spec });
  });
  after(() => platform.dispose());
  afterEach(async () => {
    for (const { socket } of open.splice(0)) socket.destroy();
    await assertFree();
    await assertNothingNoticed(platform);
  });

  async function client(): Promise<RawConnection> {
    const connection = await openConnection(platform);
    open.push(connection);
    return connection;
  }

  async function clients(count: number, request: string): Promise<RawConnection[]> {
    const all = await Promise.all(Array.from({ length: count }, client));
    for (const each of all) each.write(request);
    return all;
  }

  async function counts(): Promise<Counts> {
    return (await (await fetch(`${platform.url}/function/watched/counts`)).json()) as Counts;
  }

  /** Every slot can be taken again, all at once. */
  async function assertFree(): Promise<void> {
    await until('the function is done with its callers', async () => (await counts()).active === 0);
    const answers = await Promise.all(
      Array.from({ length: 2 * slots }, async () => (await fetch(`${platform.url}/function/watched`)).text()),
    );
    assert.deepEqual(answers, Array(2 * slots).fill('fine'));
  }

  async function waitingAndRunning(): Promise<number> {
    return (await callsUnderWay(platform)).find(([name]) => name === 'watched.openfaas-fn')?.[1] ?? 0;
  }

  test('that leave in the middle of a call: the function is told, and slots and places in the queue are free', async () => {
    const before = await counts();
    const all = await clients(slots + 5, `GET /function/watched/hang ${host}\r\n`);
    await until('all slots are taken and the others wait', async () => (await waitingAndRunning()) === slots + 5);
    for (const [index, each] of all.entries()) {
      if (index % 2 === 0) each.socket.resetAndDestroy();
      else each.socket.destroy();
    }
    await until('nobody is left', async () => (await waitingAndRunning()) === 0);
    const now = await counts();
    assert.equal(now.canceled - before.canceled, now.seen - before.seen);
    assert.ok(now.canceled - before.canceled >= slots, JSON.stringify(now));
  });

  test('that leave while their answer streams: the function is told, and stops', async () => {
    const before = await counts();
    const all = await clients(slots, `GET /function/watched/stream ${host}\r\n`);
    await Promise.all(all.map((each) => each.until(/\r\n\r\n[^]*aaaa/)));
    for (const each of all) each.socket.resetAndDestroy();
    await until('all are told', async () => (await counts()).canceled === before.canceled + slots);
    const { chunks } = await counts();
    assert.equal((await counts()).chunks, chunks);
  });

  test('that stall in their body get 408, whatever its size, and their slots are free', async () => {
    const requests = [
      `POST /function/watched/upload ${host}Content-Length: 10\r\n\r\nhalf`,
      `POST /function/watched/upload ${host}Content-Length: 1000000\r\n\r\nhalf`,
      `POST /function/watched/upload ${host}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`,
      `POST /function/watched/upload ${host}Transfer-Encoding: chunked\r\n\r\n4000\r\nha`,
    ];
    const all = await Promise.all(requests.map((request) => clients(slots, request)));
    for (const each of all.flat()) assert.match(await each.until('no progress'), /^HTTP\/1\.1 408 /);
    await Promise.all(all.flat().map((each) => each.closed()));
  });

  test('that send half a body and leave, or end it: their calls end, and never look whole', async () => {
    const before = await counts();
    for (const head of ['Content-Length: 200000', 'Transfer-Encoding: chunked']) {
      const part = head.startsWith('T') ? `4000\r\n${'x'.repeat(0x4000)}\r\n` : 'x'.repeat(100_000);
      for (const leave of ['reset', 'end'] as const) {
        const [each] = await clients(1, `POST /function/watched/upload ${host}${head}\r\n\r\n${part}`);
        await until('the call began', async () => (await counts()).active > 0);
        if (leave === 'reset') each?.socket.resetAndDestroy();
        else each?.socket.end();
        await until(`the call ended: ${head}, ${leave}`, async () => (await counts()).active === 0);
        assert.doesNotMatch(each?.text() ?? '', /^HTTP\/1\.1 200/);
      }
    }
    assert.equal((await counts()).canceled - before.canceled, 4);
  });

  test('that do not read their answer cost little memory, are cut off, and the others are served', async () => {
    const beforeBytes = residentBytes(platform.pid);
    const before = await counts();
    const all = await clients(slots, `GET /function/watched/stream ${host}\r\n`);
    for (const each of all) each.socket.pause();
    let most = 0;
    await until('they are cut off', async () => {
      most = Math.max(most, residentBytes(platform.pid));
      await assertBystanderAnswers(platform);
      return (await counts()).canceled === before.canceled + slots;
    });
    assert.ok(most - beforeBytes < 48 * 2 ** 20, `${Math.round((most - beforeBytes) / 2 ** 20)} MiB more`);
  });

  test('that send their headers slowly, or nothing at all, are cut off, and the others are served', async () => {
    const slow = await clients(100, `GET /function/watched ${host}`);
    const silent = await clients(50, '');
    const dripping = setInterval(() => {
      for (const each of slow) each.write('X');
    }, 50);
    try {
      await until('all are cut off', async () => {
        await assertBystanderAnswers(platform);
        return [...slow, ...silent].every(({ socket }) => socket.destroyed || socket.readableEnded);
      });
    } finally {
      clearInterval(dripping);
    }
    for (const each of slow) assert.match(each.text(), /^(HTTP\/1\.1 408 |$)/);
  });

  test('that open connections, use them once and keep them do not keep others away', async () => {
    const all = await clients(300, `GET /function/watched ${host}\r\n`);
    await Promise.all(all.map((each) => each.until('fine')));
    await assertBystanderAnswers(platform);
  });
});

/** Memory of a process that is in RAM now. */
function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
