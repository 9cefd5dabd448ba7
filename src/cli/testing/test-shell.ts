import { PassThrough, Readable, Writable } from 'node:stream';
import { runCli } from '../run-cli.ts';
import type { Shell, Terminal } from '../terminal/shell.ts';

/** What a command line did. */
export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestShellOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Buffer | Readable;
  readonly tty?: boolean;
  readonly signal?: AbortSignal;
  /** Where errors go, to be looked at while the command runs. */
  readonly stderr?: ReturnType<typeof createSink>;
}

/** Collects what is written. */
export function createSink(isTTY = false): Terminal & { text(): string } {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return Object.assign(sink, { isTTY, columns: 80, text: () => Buffer.concat(chunks).toString('utf8') });
}

/** Runs a command line inside this process, with a home folder of its own. */
export async function runInTest(argv: readonly string[], options: TestShellOptions): Promise<CliRun> {
  const [stdout, stderr] = [createSink(), options.stderr ?? createSink(options.tty ?? false)];
  const shell: Shell = {
    env: options.env ?? {},
    cwd: options.cwd,
    home: options.cwd,
    signal: options.signal ?? new AbortController().signal,
    stdin: toReadable(options.stdin ?? ''),
    stdout,
    stderr,
  };
  const exitCode = await runCli(argv, shell);
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

function toReadable(input: string | Buffer | Readable): Readable {
  if (input instanceof Readable) return input;
  const stream = new PassThrough();
  stream.end(input);
  return stream;
}
