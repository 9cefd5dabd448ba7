import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Ready, Specialise } from '../../src/frame/messages.ts';
import { specialiseInstance } from '../../src/frame/specialise.ts';
import type { Invocation } from '../../src/model/invocation.ts';
import { formatFunctionKey } from '../../src/model/names.ts';
import { createFrameTransport } from '../../src/router/transport/frame.ts';
import type { Sent, Transport } from '../../src/router/transport/transport.ts';
import { placeOf } from './place-of.ts';
import { tempDir } from './temp-dir.ts';

/** A Node runtime in a process of its own, listening; ended with the test. */
export class NodeRuntime {
  readonly child: ChildProcess;
  readonly dir: string;
  readonly socketPath: string;
  readonly exited: Promise<unknown[]>;
  output = '';
  errors = '';

  constructor(child: ChildProcess, dir: string, socketPath: string) {
    this.child = child;
    this.dir = dir;
    this.socketPath = socketPath;
    this.exited = once(child, 'exit');
    child.stdout?.on('data', (bytes: Buffer) => (this.output += bytes.toString()));
    child.stderr?.on('data', (bytes: Buffer) => (this.errors += bytes.toString()));
  }

  static async start(t: TestContext): Promise<NodeRuntime> {
    const dir = tempDir(t);
    const socketPath = join(dir, 'socket');
    const main = join(import.meta.dirname, '../../src/runtime/node/main.ts');
    const env = { PATH: '/usr/bin:/bin', TINDERBOX_SOCKET: socketPath, LEAKED: 'yes' };
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const runtime = new NodeRuntime(child, dir, socketPath);
    t.after(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await runtime.exited;
    });
    const status = child.stdio[3] as NodeJS.ReadableStream;
    const said: string[] = [];
    status.on('data', (bytes: Buffer) => said.push(bytes.toString()));
    await once(status, 'end');
    if (said.join('') !== 'listening\n') throw new Error(`the runtime said "${said.join('')}": ${runtime.errors}`);
    return runtime;
  }

  /** Writes a handler module and makes the runtime that function. */
  specialise(code: string, options: Partial<Specialise> & { file?: string } = {}): Promise<Ready> {
    const { file = 'handler.cjs', ...rest } = options;
    const handler = join(this.dir, file);
    writeFileSync(handler, code);
    return specialiseInstance(placeOf(this.socketPath), {
      instance: 'i1',
      name: 'hello',
      namespace: 'openfaas-fn',
      revision: 'hello-00001',
      artifact: this.dir,
      workdir: this.dir,
      handler,
      modulePaths: [],
      env: { PATH: '/usr/bin:/bin', HOME: this.dir, TMPDIR: this.dir },
      concurrency: 10,
      timeoutMs: 10_000,
      ...rest,
    });
  }
}

/** A runtime that is the given function already, and a transport to it. */
export async function serve(
  t: TestContext,
  code: string,
  options: Partial<Specialise> & { file?: string } = {},
): Promise<{ runtime: NodeRuntime; transport: Transport }> {
  const runtime = await NodeRuntime.start(t);
  const ready = await runtime.specialise(code, options);
  if (!ready.ok) throw new Error(`not ready: ${ready.reason}`);
  const transport = createFrameTransport({
    address: placeOf(runtime.socketPath),
    timeoutMs: options.timeoutMs ?? 10_000,
  });
  t.after(() => transport.close());
  return { runtime, transport };
}

/** A call of `hello` with what matters to a test. */
export function callOf(parts: Partial<Invocation> = {}): Invocation {
  return {
    id: 'call-1',
    function: formatFunctionKey('openfaas-fn', 'hello'),
    method: parts.body === undefined ? 'GET' : 'POST',
    target: '/',
    headers: [],
    body: undefined,
    contentLength: undefined,
    source: 'http',
    arrivedAtMs: performance.now(),
    upgrade: false,
    ...parts,
  };
}

/** An answer with its whole body as text. */
export interface WholeAnswer {
  readonly kind: string;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly text: string;
}

/** Reads a reply to its end. */
export async function readAnswer({ reply }: Sent): Promise<WholeAnswer> {
  if (reply.kind === 'upgraded') throw new Error('an upgrade');
  const headers: Record<string, string> = {};
  for (let at = 0; at < reply.headers.length; at += 2) {
    const name = (reply.headers[at] ?? '').toLowerCase();
    headers[name] =
      headers[name] === undefined ? (reply.headers[at + 1] ?? '') : `${headers[name]}, ${reply.headers[at + 1]}`;
  }
  const body = reply.kind === 'buffered' ? reply.body : Buffer.concat((await reply.body.toArray()) as Buffer[]);
  return { kind: reply.kind, status: reply.status, headers, text: body.toString() };
}
