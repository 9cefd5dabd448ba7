import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

/** A program that serves until it is ended. */
export interface RunningServer {
  /** Idempotent; waits for its end. */
  close(): Promise<void>;
}

/** Starts a program that writes what it has to say into `logFile`. */
export function runServer(file: string, args: readonly string[], cwd: string, logFile: string): RunningServer {
  const child = spawn(file, [...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(logFile);
  for (const stream of [child.stdout, child.stderr]) stream.pipe(log, { end: false });
  child.once('close', () => log.end());
  return {
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
    },
  };
}
