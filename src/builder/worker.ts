/**
 * Root of the build worker: a process of its own, so that hashing, copying and spawning never hold up a call. It owns
 * running builds, nothing that outlives them. The platform gives it settings, orders and permission over the IPC
 * channel, and makes every cage. When the channel closes, all builds are cancelled and the worker ends.
 */
import { TinderboxError } from '../model/errors.ts';
import { createBuildRun } from './build-run.ts';
import type { BuildPort, BuildRun } from './build-run.ts';
import { readHostFacts } from './host-facts.ts';
import { createToolchain } from './toolchain.ts';
import { createTypeScriptCompiler } from './type-script-compiler.ts';
import type { Answer, BuildGrant, FromWorker, ToWorker, WorkerSettings } from './worker-protocol.ts';
import { errorFromWire, wireErrorFrom } from './worker-protocol.ts';

interface Job {
  readonly control: AbortController;
  readonly granted: PromiseWithResolvers<BuildGrant>;
  answer: PromiseWithResolvers<Answer> | undefined;
}

const jobs = new Map<string, Job>();
let startRun: ((id: string) => BuildRun) | undefined;

function send(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

function configure(settings: WorkerSettings): void {
  const host = readHostFacts();
  const toolchain = createToolchain(settings);
  const typeScript = createTypeScriptCompiler(settings);
  startRun = (id) => createBuildRun({ id, settings, host, toolchain, typeScript, port: createPort(id) });
}

function createPort(id: string): BuildPort {
  return {
    log: (line) => send({ kind: 'log', id, line }),
    async confine(request) {
      const job = jobs.get(id);
      if (job === undefined || !process.connected) throw new TinderboxError('canceled', 'the build was canceled');
      job.answer = Promise.withResolvers<Answer>();
      send({ kind: 'confine', id, request });
      const answer = await job.answer.promise;
      if ('error' in answer) throw errorFromWire(answer.error);
      return answer.confined;
    },
  };
}

async function runJob(id: string, order: Extract<ToWorker, { kind: 'plan' }>['order'], job: Job): Promise<void> {
  try {
    if (startRun === undefined)
      throw new TinderboxError('internal', 'the build worker got an order before its settings');
    const run = startRun(id);
    send({ kind: 'planned', id, planned: await run.plan(order) });
    const grant = await job.granted.promise;
    send({ kind: 'built', id, built: await run.build(grant, job.control.signal) });
  } catch (reason) {
    send({ kind: 'failed', id, error: wireErrorFrom(reason) });
  } finally {
    jobs.delete(id);
    if (!process.connected && jobs.size === 0) process.exit(0);
  }
}

function cancel(job: Job): void {
  job.control.abort();
  job.granted.reject(new TinderboxError('canceled', 'the build was canceled'));
}

process.on('message', (message: ToWorker) => {
  if (message.kind === 'setup') return configure(message.settings);
  if (message.kind === 'plan') {
    const job: Job = { control: new AbortController(), granted: Promise.withResolvers(), answer: undefined };
    job.granted.promise.catch(() => undefined);
    jobs.set(message.id, job);
    void runJob(message.id, message.order, job);
    return;
  }
  const job = jobs.get(message.id);
  if (job === undefined) return;
  if (message.kind === 'go') job.granted.resolve(message.grant);
  else if (message.kind === 'cancel') cancel(job);
  else job.answer?.resolve(message.answer);
});

process.on('disconnect', () => {
  for (const job of jobs.values()) {
    cancel(job);
    job.answer?.resolve({ error: { code: 'canceled', message: 'the platform is gone' } });
  }
  if (jobs.size === 0) process.exit(0);
});
// The platform decides when builds end; a Ctrl-C in its terminal reaches this process as well.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
