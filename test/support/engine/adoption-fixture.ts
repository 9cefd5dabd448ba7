import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AdoptionFixture, AdoptionTimes, RemotePlatform } from '../../../src/engine/adoption-conformance.ts';
import type { Instance } from '../../../src/model/instance.ts';
import type { ProcessEngineOptions } from '../../../src/engine/process/engine.ts';
import { createSandbox } from '../../../src/sandbox/create-sandbox.ts';
import { SecretFiles } from '../../../src/sandbox/secret-files.ts';
import type { LogLine } from '../../../src/model/log-line.ts';
import { until } from '../until.ts';
import type { PlatformRequest } from './platform-child.ts';
import { type Places, isAlive, isLeft, makePlaces, testTimes } from './process-fixture.ts';
import { processesOf } from '../traces.ts';
import { behaviourWorkload } from './test-bundle.ts';

/** Platforms as processes of their own, so that they can be killed. */
export async function makeAdoptionFixture(
  times: AdoptionTimes,
  engineOptions: Partial<ProcessEngineOptions> = {},
): Promise<AdoptionFixture & { readonly places: Places }> {
  const { orphanMs = 40_000, unclaimedMs = 40_000 } = times;
  const removals: (() => void)[] = [];
  const places = makePlaces({ after: (remove: () => void) => void removals.push(remove) });
  const children: ChildProcess[] = [];
  const options = { ...places, ...testTimes, keeperOrphanMs: orphanMs, unclaimedMs, ...engineOptions };
  const keeperPid = (): number => {
    const self = JSON.parse(readFileSync(join(places.runDir, 'keeper', 'keeper.json'), 'utf8')) as { pid: number };
    return self.pid;
  };
  return {
    places,
    async startPlatform() {
      const child = fork(join(import.meta.dirname, 'platform-child.ts'), [JSON.stringify(options)], {
        serialization: 'advanced',
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      children.push(child);
      return await connectPlatform(child);
    },
    workload: (name, behaviour) => behaviourWorkload(join(places.bundles, name), name, behaviour),
    async killKeeper() {
      const pid = keeperPid();
      process.kill(pid, 'SIGKILL');
      await until('the keeper is dead', () => !isAlive(pid));
    },
    isKeeperAlive: () => isAlive(keeperPid()),
    isLeft: async (instance) => isLeft(instance),
    async close() {
      for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
      await until('nothing of it runs', () => processesOf(places).length === 0, orphanMs + 5000);
      // What only an orderly end of a platform removes.
      await (await createSandbox(places)).close();
      await new SecretFiles(places.runDir).close();
      for (const remove of removals) remove();
    },
  };
}

interface Answer {
  readonly seq: number;
  readonly result?: unknown;
  readonly error?: string;
}

async function connectPlatform(child: ChildProcess): Promise<RemotePlatform> {
  const waiting = new Map<number, (answer: Answer) => void>();
  const answered = (seq: number): Promise<Answer> => new Promise((resolve) => waiting.set(seq, resolve));
  child.on('message', (answer: Answer) => waiting.get(answer.seq)?.(answer));
  child.once('exit', () => waiting.forEach((resolve, seq) => resolve({ seq, error: 'the platform ended' })));
  const started = await answered(0);
  if (started.error !== undefined) throw new Error(started.error);
  let seq = 0;
  const ask = async (request: PlatformRequest): Promise<unknown> => {
    seq += 1;
    const answer = answered(seq);
    child.send({ seq, ...request });
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(error);
    return result;
  };
  return {
    run: async (workload, count) => void (await ask({ op: 'run', workload, count })),
    instances: async () => (await ask({ op: 'instances' })) as readonly Instance[],
    logs: async (name) => (await ask({ op: 'logs', name })) as readonly LogLine[],
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async close() {
      await ask({ op: 'close' });
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
