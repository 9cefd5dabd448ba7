import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

/** A program that serves until it is ended. */
export interface RunningServer {
  /** Idempotent; waits for its end. */
  close(): Promise<void>;
}

/** Starts a program that writes what it has to say into `logFile`. */
export function runServer(file: string, args: readonly string[], cwd: string, logFile: string): RunningServer {
  const log = openSync(logFile, 'w');
  const child = spawn(file, [...args], { cwd, stdio: ['ignore', log, log] });
  closeSync(log);
  return {
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}
