import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { watchSession } from '../../../../test/support/engine/exec-session.ts';
import { tempDir } from '../../../../test/support/temp-dir.ts';
import { isAlive } from '../../../../test/support/traces.ts';
import { until } from '../../../../test/support/until.ts';
import { KeeperClient } from '../keeper-client.ts';
import { openExec } from '../kept-exec.ts';
import { Journal } from './journal.ts';
import { Keeper } from './keeper.ts';
import { KeeperServer } from './keeper-server.ts';
import type { ExecOrder, SpawnRequest } from './protocol.ts';

interface Served {
  readonly path: string;
  readonly keeper: Keeper;
  readonly records: () => readonly string[];
}

/** A keeper in this process with one program, on a host without cgroups as far as it can tell. */
async function serve(t: TestContext): Promise<Served> {
  const directory = tempDir(t);
  const path = join(directory, 'k.sock');
  const hello = { version: 1, bootId: 'boot', pid: process.pid };
  const server = new KeeperServer({ nonce: 'secret', hello, orphanMs: 60_000, onEnd: () => undefined });
  const places = { folders: [], cages: { cgroups: [], version: 'none' } } as const;
  const config = { directory, orphanMs: 60_000, logFileBytes: 1e6, logBytesPerSecond: 1e6, places };
  const programs = join(directory, 'programs');
  const keeper = new Keeper(config, new Journal(programs), (event) => server.tell(event));
  await server.listen(path, keeper);
  t.after(async () => {
    server.close();
    await keeper.killAll();
    server.hangUp();
  });
  const client = await KeeperClient.connect(path);
  assert.ok(client);
  t.after(() => client.close());
  await client.request({ op: 'hello', version: 1, nonce: 'secret' });
  const program: SpawnRequest = { ...shell('p1', 'exec sleep 7101'), pidNamespace: false, traces: [] };
  await client.request({ op: 'spawn', program });
  return { path, keeper, records: () => readdirSync(programs) };
}

function shell(id: string, script: string): Pick<SpawnRequest, 'id' | 'file' | 'args' | 'env' | 'cwd' | 'cage'> {
  const cage = { id, cgroups: [], version: 'none' } as const;
  const env = { PATH: '/usr/bin:/bin', TINDERBOX_CAGE: id };
  return { id, file: '/bin/sh', args: ['-c', script], env, cwd: '/', cage };
}

function order(script: string, programId = 'p1'): ExecOrder {
  return { ...shell('exec-1', script), programId, stdin: false, terminal: false, depth: 0 };
}

test('who does not know the nonce is hung up on, whatever it asks for', async (t) => {
  const { path, records } = await serve(t);
  await assert.rejects(openExec(path, 'guess', order('true')), { code: 'unavailable' });
  const socket = connect(path);
  socket.write(`${JSON.stringify({ seq: 1, op: 'exec', order: order('true') })}\n`);
  await once(socket.resume(), 'close');
  assert.deepEqual(records(), ['p1.json']);
});

test('a command beside a program that is over, or that cannot be started, is refused and leaves no record', async (t) => {
  const { path, records } = await serve(t);
  await assert.rejects(openExec(path, 'secret', order('true', 'gone')), {
    code: 'cannot-start',
    message: /program "gone" is over/,
  });
  const missing = { ...order('true'), file: '/no/such/shell' };
  await assert.rejects(openExec(path, 'secret', missing), { code: 'cannot-start', message: /ENOENT/ });
  const cage = { id: 'exec-1', cgroups: ['/no/such/cgroup/exec-1'], version: 'v2' } as const;
  await assert.rejects(openExec(path, 'secret', { ...order('true'), cage }), { code: 'cannot-start' });
  assert.deepEqual(records(), ['p1.json']);
});

test('without cgroups a daemon of a command ends with it all the same, by the mark it carries', async (t) => {
  const { path, records } = await serve(t);
  const session = watchSession(
    await openExec(path, 'secret', order('(setsid sleep 7102 >/dev/null 2>&1 & echo $!); exec sleep 7103')),
  );
  await session.said(/\d+\n/);
  const daemon = Number(session.stdout);
  assert.deepEqual(records().toSorted(), ['exec-1.json', 'p1.json']);
  assert.ok(isAlive(daemon));
  session.close();
  await until('the daemon is gone', () => !isAlive(daemon));
  await until('off record', () => records().length === 1);
});

test('without cgroups a command ends with its program, and is told why', async (t) => {
  const { path, keeper } = await serve(t);
  const session = watchSession(await openExec(path, 'secret', order('echo up; exec sleep 7104')));
  await session.said(/up/);
  keeper.kill('p1');
  assert.deepEqual(await session.end, {
    kind: 'error',
    code: 'unavailable',
    message: 'the instance ended, and the command with it',
  });
});

test('bytes that are no frames end the command', async (t) => {
  const { path } = await serve(t);
  const socket = connect(path);
  socket.write(
    `${JSON.stringify({ seq: 1, op: 'exec', nonce: 'secret', order: order('echo $$; exec sleep 7105') })}\n`,
  );
  let said = '';
  socket.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1');
  });
  const pid = await until('it runs', () => Number(/^(\d+)\n$/.exec(said.slice(said.indexOf('\n') + 6))?.[1]));
  socket.write(Buffer.from([200, 0, 0, 0, 0]));
  await until('it is gone', () => !isAlive(pid));
});
