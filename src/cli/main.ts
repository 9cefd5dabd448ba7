import { homedir } from 'node:os';
import { runCli } from './run-cli.ts';

// The edge between the CLI and its process: signals in, exit code out.
const stopping = new AbortController();
const stop = (): void => {
  stopping.abort();
  // Whoever waits for input must hear of it too.
  process.stdin.destroy();
};
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
// `tinderbox list | head` closes the pipe early, which is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

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
