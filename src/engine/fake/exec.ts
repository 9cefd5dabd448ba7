import type { ExecCommand, ExecInput, ExecOutput, ExecSession } from '../../model/exec.ts';

/**
 * A pretended command: `echo` writes its arguments, `false` ends with 1, `cat` writes what it reads, all else waits to be
 * ended. Ends when the copy does.
 */
export class FakeExec implements ExecSession {
  readonly output: AsyncIterable<ExecOutput>;
  readonly #stream: ReadableStreamDefaultController<ExecOutput>;
  readonly #name: string;
  #over = false;

  constructor({ command: [name = '', ...args] }: ExecCommand, ended: Promise<unknown>) {
    let stream: ReadableStreamDefaultController<ExecOutput> | undefined;
    this.output = new ReadableStream<ExecOutput>({
      start(controller) {
        stream = controller;
      },
    });
    // The standard calls `start` before the constructor returns.
    this.#stream = stream as unknown as ReadableStreamDefaultController<ExecOutput>;
    this.#name = name;
    if (name === 'echo') this.#write(Buffer.from(`${args.join(' ')}\n`));
    if (name === 'echo' || name === 'false')
      this.#end({ kind: 'exit', exitCode: name === 'echo' ? 0 : 1, signal: null });
    void ended.then(() => this.#end({ kind: 'error', code: 'unavailable', message: 'the instance ended' }));
  }

  send(input: ExecInput): void {
    if (this.#over) return;
    if (input.kind === 'stdin') {
      if (this.#name === 'cat') this.#write(input.data);
      this.#stream.enqueue({ kind: 'credit', bytes: input.data.length });
    } else if (input.kind === 'stdin-end') {
      if (this.#name === 'cat') this.#end({ kind: 'exit', exitCode: 0, signal: null });
    } else if (input.kind === 'signal') {
      this.#end({ kind: 'exit', exitCode: null, signal: input.signal });
    }
  }

  close(): void {
    this.#end({ kind: 'error', code: 'unavailable', message: 'the session was closed' });
  }

  #write(data: Buffer): void {
    this.#stream.enqueue({ kind: 'stdout', data });
  }

  #end(last: ExecOutput): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream.enqueue(last);
    this.#stream.close();
  }
}
