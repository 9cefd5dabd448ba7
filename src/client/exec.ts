import type { Duplex } from 'node:stream';
import { encodeExecFrame, execProtocol, ExecFrameReader } from '../model/exec-frame.ts';
import { type ExecCommand, type ExecInput, type ExecOutput, stdinWindowBytes } from '../model/exec.ts';
import { TinderboxError } from '../model/errors.ts';
import type { Connection } from './connection.ts';
import { type Result, success } from './result.ts';

/** A command that runs beside an instance. */
export interface RemoteExec {
  /** Read once, and read on for `write` to go on; the last one is `exit` or `error`. */
  readonly output: AsyncIterable<Exclude<ExecOutput, { kind: 'credit' }>>;
  /** More of its stdin; resolves when there is room for further bytes. */
  write(data: Buffer): Promise<void>;
  send(input: Exclude<ExecInput, { kind: 'stdin' }>): void;
  /** Hangs up, which ends the command. Idempotent. */
  close(): void;
}

export interface ExecClient {
  /** `instance`: beside this one; else beside any that is ready, and the function is woken where none is. */
  open(
    target: { readonly name: string; readonly namespace: string; readonly instance?: string },
    command: ExecCommand,
  ): Promise<Result<RemoteExec>>;
}

export function createExecClient(connection: Connection): ExecClient {
  return {
    open: async (target, command) => {
      const start = encodeExecFrame({ kind: 'start', command });
      const switched = await connection.upgrade(
        { method: 'POST', path: '/system/exec', query: { ...target } },
        execProtocol,
      );
      if (!switched.ok) return switched;
      switched.data.write(start);
      return success(new FramedExec(switched.data, connection.gateway));
    },
  };
}

class FramedExec implements RemoteExec {
  readonly output: RemoteExec['output'];
  readonly #socket: Duplex;
  readonly #gateway: string;
  readonly #running = Promise.withResolvers<void>();
  #room = stdinWindowBytes;
  #more = Promise.withResolvers<void>();

  constructor(socket: Duplex, gateway: string) {
    this.#socket = socket;
    this.#gateway = gateway;
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#running.resolve();
      this.#more.resolve();
    });
    this.output = this.#read();
  }

  async write(data: Buffer): Promise<void> {
    await this.#running.promise;
    for (let at = 0; at < data.length && this.#socket.writable; ) {
      const part = data.subarray(at, at + this.#room);
      at += part.length;
      this.#room -= part.length;
      if (part.length > 0) this.#socket.write(encodeExecFrame({ kind: 'stdin', data: part }));
      if (this.#room > 0) continue;
      this.#more = Promise.withResolvers<void>();
      if (this.#socket.writable) await this.#more.promise;
    }
  }

  send(input: Exclude<ExecInput, { kind: 'stdin' }>): void {
    // The command is told nothing before it runs.
    void this.#running.promise.then(() => {
      if (this.#socket.writable) this.#socket.write(encodeExecFrame(input));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  async *#read(): AsyncGenerator<Exclude<ExecOutput, { kind: 'credit' }>> {
    const reader = new ExecFrameReader();
    let isOver = false;
    try {
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) {
        for (const frame of reader.push(chunk) as ExecOutput[]) {
          isOver ||= frame.kind === 'exit' || frame.kind === 'error';
          if (frame.kind === 'credit') this.#credit(frame.bytes);
          else yield frame;
        }
      }
    } catch (reason) {
      if (reason instanceof TinderboxError) throw reason;
    }
    if (isOver) return;
    const message = `the connection to ${this.#gateway} was lost, and the command with it`;
    yield { kind: 'error', code: 'lost', message };
  }

  #credit(bytes: number): void {
    this.#running.resolve();
    this.#room += bytes;
    this.#more.resolve();
  }
}
