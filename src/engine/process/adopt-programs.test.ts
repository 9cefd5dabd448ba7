import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { notice } from '../../observe/channels.ts';
import type { Supervisor } from '../supervisor.ts';
import { adoptPrograms } from './adopt-programs.ts';
import { PortRegistry } from './port-registry.ts';
import type { ProcessHost } from './process-host.ts';

test('an instance whose port is a stranger’s by now is not adopted but killed, and that is told', async (t) => {
  const said: string[] = [];
  t.after(notice.subscribe(({ message }) => said.push(message)));
  const stranger = createServer().listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  t.after(() => stranger.close());
  const instance = spawn('sleep', ['60'], { detached: true });
  const ended = once(instance, 'exit');
  t.after(() => instance.kill('SIGKILL'));
  const { port } = stranger.address() as AddressInfo;
  const note = JSON.stringify({
    instance: {
      id: 'f-00001-a',
      revision: 'f-00001',
      state: 'ready',
      address: { kind: 'http', host: '127.0.0.1', port },
      protections: {},
    },
    times: { graceMs: 100, timeoutMs: 1000 },
    uses: [],
  });
  const program = { kill: () => instance.kill('SIGKILL'), ended };
  const host = { keeper: { program: () => program }, portOwners: new PortRegistry() } as unknown as ProcessHost;
  const supervisor = { adopt: () => assert.fail('adopted') } as unknown as Supervisor;
  const cage = { id: 'f-00001-a', cgroups: [], version: 'none' } as const;
  const report = { id: 'abcdefgh', pid: instance.pid ?? 0, cage, listening: false, note };
  const adopted = await adoptPrograms(host, supervisor, [report]);
  assert.deepEqual([...adopted.programIds], []);
  assert.equal(instance.signalCode, 'SIGKILL');
  assert.match(said.join(), /f-00001-a of f-00001 \(process \d+\), of an earlier platform, .* is replaced/);
});

test('a program that cannot be killed is told of, and keeps no platform from starting', async (t) => {
  const said: string[] = [];
  t.after(notice.subscribe(({ message }) => said.push(message)));
  const program = { kill: () => undefined, ended: new Promise(() => undefined) };
  const host = { keeper: { program: () => program } } as unknown as ProcessHost;
  const cage = { id: 'f-00001-a', cgroups: [], version: 'none' } as const;
  const report = { id: 'abcdefgh', pid: 4711, cage, listening: false };
  const adopted = await adoptPrograms(host, {} as Supervisor, [report], 50);
  assert.deepEqual([...adopted.programIds], []);
  assert.match(said.join(), /process 4711 of an earlier platform .*f-00001-a.* cannot be killed within 0\.05 s/);
});
