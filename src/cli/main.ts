import { homedir } from 'node:os';
import { runCli } from './run-cli.ts';

// The edge between the CLI and its process: signals in, exit code out.
const stopping = new AbortController();
/** One Ctrl-C arrives several times: from the terminal, and passed on by npm and by whatever else started us. */
const sameKeyPressMs = 1000;
let stoppedAtMs: number | undefined;
const stop = (): void => {
  if (stoppedAtMs !== undefined && performance.now() - stoppedAtMs > sameKeyPressMs) process.exit(130);
  stoppedAtMs ??= performance.now();
  stopping.abort();
  // Whoever waits for input must hear of it too.
  process.stdin.destroy();
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
// `tinderbox list | head` closes the pipe early, which is no failure of ours. Ctrl-C ends `tee`, too: what stops goes on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (stoppedAtMs === undefined) process.exit(error.code === 'EPIPE' ? 0 : 1);
});
// What is told beside the answer is not the work: `tinderbox deploy 2>&1 >urls | head -1` deploys all.
process.stderr.on('error', () => {});

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  home: homedir(),
  signal: stopping.signal,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});
// Input that goes on must not keep a command alive that has its answer.
process.stdin.destroy();
