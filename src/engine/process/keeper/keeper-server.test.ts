import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tempDir } from '../../../../test/support/temp-dir.ts';
import { until } from '../../../../test/support/until.ts';
import { KeeperClient } from '../keeper-client.ts';
import { Journal } from './journal.ts';
import { Keeper } from './keeper.ts';
import { KeeperServer } from './keeper-server.ts';
import type { KeeperEvent, SpawnRequest } from './protocol.ts';

interface Served {
  readonly path: string;
  readonly directory: string;
  readonly ends: () => number;
  readonly client: () => Promise<KeeperClient>;
}

/** A keeper in this process, so that its parts can be seen. */
async function serve(t: TestContext, orphanMs = 60_000): Promise<Served> {
  const directory = tempDir(t);
  const path = join(directory, 'k.sock');
  let ends = 0;
  const hello = { version: 1, bootId: 'boot', pid: process.pid };
  const server = new KeeperServer({ nonce: 'secret', hello, orphanMs, onEnd: () => (ends += 1) });
  const places = { folders: [], cages: { cgroups: [], version: 'none' } } as const;
  const config = { directory, orphanMs, logFileBytes: 1e6, logBytesPerSecond: 1e6, places };
  const keeper = new Keeper(config, new Journal(join(directory, 'programs')), (event) => server.tell(event));
  await server.listen(path, keeper);
  t.after(async () => {
    server.close();
    await keeper.killAll();
    server.hangUp();
  });
  const client = async (): Promise<KeeperClient> => {
    const made = await KeeperClient.connect(path);
    assert.ok(made);
    t.after(() => made.close());
    return made;
  };
  return { path, directory, ends: () => ends, client };
}

function shell(id: string, script: string, directory: string): SpawnRequest {
  const cage = { id, cgroups: [], version: 'none' } as const;
  const log = { directory: join(directory, 'logs'), instance: id };
  const env = { PATH: '/usr/bin:/bin' };
  return { id, file: '/bin/sh', args: ['-c', script], env, cwd: '/', cage, pidNamespace: false, traces: [], log };
}

const hello = { op: 'hello', version: 1, nonce: 'secret' } as const;

test('a wrong nonce is refused, a second platform is told that the keeper is busy', async (t) => {
  const served = await serve(t);
  const stranger = await served.client();
  await assert.rejects(stranger.request({ ...hello, nonce: 'guess' }), { code: 'forbidden' });
  const first = await served.client();
  assert.equal((await first.request(hello)).bootId, 'boot');
  await assert.rejects((await served.client()).request(hello), { code: 'conflict' });
  first.close();
  await first.closed;
  await until('the place is free', async () => {
    const next = await served.client();
    return await next.request(hello).then(
      () => true,
      () => false,
    );
  });
});

test('who asks before saying hello, or talks no JSON, is hung up on', async (t) => {
  const served = await serve(t);
  const hasty = await served.client();
  await assert.rejects(hasty.request({ op: 'list' }), { code: 'unavailable' });
  for (const noise of ['garbage\n', 'null\n', '[1\n']) {
    const socket = connect(served.path);
    socket.write(noise);
    await once(socket.resume(), 'close');
  }
});

test('without a platform for the given time, from the start on, the end is called', async (t) => {
  const served = await serve(t, 100);
  await until('the first end', () => served.ends() === 1);
});

test('events of a program reach the platform: it listens, it ends, with its last lines', async (t) => {
  const served = await serve(t);
  const client = await served.client();
  await client.request(hello);
  const events: KeeperEvent[] = [];
  client.onEvent = (event) => events.push(event);
  const program = shell('talks', 'echo listening >&3; echo one; echo two >&2; exit 3', served.directory);
  const { pid } = await client.request({ op: 'spawn', program });
  assert.ok(pid > 0);
  await until('its end', () => events.some(({ event }) => event === 'exited'));
  assert.deepEqual(events[0], { event: 'listening', id: 'talks' });
  assert.deepEqual(events[1], { event: 'exiting', id: 'talks' });
  const end = events[2];
  assert.ok(end?.event === 'exited');
  assert.deepEqual([...end.ending.lastLines].sort(), ['one', 'two']);
  assert.equal(end.ending.outcome.exitCode, 3);
  assert.equal(end.ending.outcome.canceled, false);
});

test('an end while nobody listens is told once to the next platform', async (t) => {
  const served = await serve(t);
  const client = await served.client();
  await client.request(hello);
  const trace = join(served.directory, 'folder');
  mkdirSync(trace);
  const program = { ...shell('dies', 'sleep 0.2; exit 4', served.directory), traces: [trace] };
  await client.request({ op: 'spawn', program });
  client.close();
  const journal = new Journal(join(served.directory, 'programs'));
  await until('it ended', () => journal.all().size === 0);
  const next = await served.client();
  await next.request(hello);
  const reports = await next.request({ op: 'list' });
  assert.deepEqual(
    reports.map(({ id, ending }) => [id, ending?.outcome.exitCode]),
    [['dies', 4]],
  );
  assert.deepEqual(await next.request({ op: 'list' }), []);
  assert.equal(existsSync(trace), false, 'nobody else was there to remove its folder');
});

test('removing a large folder nobody else will does not hold up the keeper', async (t) => {
  const served = await serve(t);
  const client = await served.client();
  await client.request(hello);
  const trace = join(served.directory, 'large');
  mkdirSync(trace);
  // So many that their removal outlasts any pause this process may be put to.
  for (let file = 0; file < 3_000; file += 1) writeFileSync(join(trace, `${file}`), '');
  const program = { ...shell('wrote', 'sleep 0.1', served.directory), traces: [trace] };
  await client.request({ op: 'spawn', program });
  client.close();
  let turns = 0;
  for (;;) {
    const facts = statSync(trace, { throwIfNoEntry: false });
    if (facts === undefined) break;
    // Closed to others: the removal has begun.
    if ((facts.mode & 0o777) === 0o700) turns += 1;
    await new Promise(setImmediate);
  }
  assert.ok(turns > 0, 'nothing else was done meanwhile');
  await until('off record', () => new Journal(join(served.directory, 'programs')).all().size === 0);
});

test('a program that cannot be started is an error, and leaves no record', async (t) => {
  const served = await serve(t);
  const client = await served.client();
  await client.request(hello);
  const program = { ...shell('nothing', '', served.directory), file: '/does/not/exist' };
  await assert.rejects(client.request({ op: 'spawn', program }), { code: 'cannot-start', message: /ENOENT/ });
  assert.equal(new Journal(join(served.directory, 'programs')).all().size, 0);
});

test('stop asks first and kills after the grace; children in the background do not survive', async (t) => {
  const served = await serve(t);
  const client = await served.client();
  await client.request(hello);
  const ended = new Promise<KeeperEvent>((resolve) => {
    client.onEvent = (event) => event.event === 'exited' && resolve(event);
  });
  const script = 'trap "echo asked" TERM; sleep 300 & echo $!; while :; do sleep 0.05; done';
  const { pid } = await client.request({ op: 'spawn', program: shell('stays', script, served.directory) });
  await until('it runs', async () => (await client.request({ op: 'lines', id: 'stays' })).length === 1);
  await client.request({ op: 'stop', id: 'stays', graceMs: 200 });
  const event = await ended;
  assert.ok(event.event === 'exited');
  const [child, asked] = event.ending.lastLines;
  assert.equal(asked, 'asked');
  assert.equal(event.ending.outcome.canceled, true);
  assert.equal(event.ending.outcome.signal, 'SIGKILL');
  for (const gone of [pid, Number(child)]) await until('it is gone', () => !isAlive(gone), 2000);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
