import { createSandbox } from '../../../src/sandbox/create-sandbox.ts';
import type { Workload } from '../../../src/engine/engine.ts';
import { type ProcessEngineOptions, createProcessEngine } from '../../../src/engine/process/engine.ts';

/** A platform that is an engine and nothing else, steered over the IPC channel; see `remote-platform.ts`. */
export type PlatformRequest =
  | { readonly op: 'run'; readonly workload: Workload; readonly count: number }
  | { readonly op: 'instances' | 'close' }
  | { readonly op: 'logs'; readonly name: string };

const options = JSON.parse(process.argv[2] ?? '{}') as Omit<ProcessEngineOptions, 'sandbox'>;
const sandbox = await createSandbox(options);
const engine = createProcessEngine({ ...options, sandbox });

async function perform(request: PlatformRequest): Promise<unknown> {
  if (request.op === 'instances') return engine.instances();
  if (request.op === 'run') {
    await engine.apply(request.workload);
    return await engine.scale(request.workload.revision, request.count);
  }
  if (request.op === 'logs') {
    const query = { namespace: 'conformance', name: request.name, follow: false };
    return await Array.fromAsync(engine.logs(query, AbortSignal.timeout(5000)));
  }
  await engine.close();
  await sandbox.close();
  return undefined;
}

const send = (message: object): void => void process.send?.(message);
const hangUp = (): void => {
  process.disconnect?.();
};

process.on('message', ({ seq, ...request }: PlatformRequest & { readonly seq: number }) => {
  void perform(request as PlatformRequest)
    .then((result) => send({ seq, result }))
    .then(() => request.op === 'close' && hangUp());
});
try {
  await engine.start();
  send({ seq: 0 });
} catch (error) {
  send({ seq: 0, error: String(error) });
  hangUp();
}
