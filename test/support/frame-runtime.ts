import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Ready, Specialise } from '../../src/frame/messages.ts';
import { specialiseInstance } from '../../src/frame/specialise.ts';
import type { Invocation } from '../../src/model/invocation.ts';
import { createFrameTransport } from '../../src/router/transport/frame.ts';
import type { Transport } from '../../src/router/transport/transport.ts';
import { callOf, readAnswer, type WholeAnswer } from './node-runtime.ts';
import { placeOf } from './place-of.ts';
import { tempDir } from './temp-dir.ts';

/** A runtime (Python, watchdog) in a process of its own, listening; ended with the test. */
export class FrameRuntime {
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

  static async start(t: TestContext, command: readonly string[]): Promise<FrameRuntime> {
    const dir = tempDir(t);
    const socketPath = join(dir, 'socket');
    const env = { PATH: '/usr/bin:/bin', TINDERBOX_SOCKET: socketPath, LEAKED: 'yes' };
    const [file = '', ...args] = command;
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const runtime = new FrameRuntime(child, dir, socketPath);
    t.after(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await runtime.exited;
    });
    const said: string[] = [];
    const status = child.stdio[3] as NodeJS.ReadableStream;
    status.on('data', (bytes: Buffer) => said.push(bytes.toString()));
    await once(status, 'end');
    if (said.join('') !== 'listening\n') throw new Error(`the runtime said "${said.join('')}": ${runtime.errors}`);
    return runtime;
  }

  write(file: string, text: string, mode = 0o644): string {
    const path = join(this.dir, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  }

  specialise(options: Partial<Specialise>): Promise<Ready> {
    return specialiseInstance(placeOf(this.socketPath), {
      instance: 'i1',
      name: 'hello',
      namespace: 'openfaas-fn',
      revision: 'hello-00001',
      artifact: this.dir,
      workdir: this.dir,
      modulePaths: [],
      env: { PATH: '/usr/bin:/bin', HOME: this.dir, TMPDIR: this.dir },
      concurrency: 10,
      timeoutMs: 10_000,
      ...options,
    });
  }

  transport(t: TestContext): Transport {
    const transport = createFrameTransport({
      address: placeOf(this.socketPath),
      timeoutMs: 10_000,
    });
    t.after(() => transport.close());
    return transport;
  }
}

/** One call with its whole answer. */
export async function callRuntime(transport: Transport, parts: Partial<Invocation> = {}): Promise<WholeAnswer> {
  return readAnswer(await transport.send(callOf(parts), undefined));
}
