import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Shell } from '../terminal/shell.ts';

/** Runs a plugin in place of this program and resolves with its exit code. Ctrl-C reaches it as it reaches us. */
export async function runPlugin(shell: Shell, file: string, args: readonly string[]): Promise<number> {
  const own = shell.stdin === process.stdin;
  const child = spawn(file, [...args], { cwd: shell.cwd, env: { ...shell.env }, stdio: own ? 'inherit' : 'pipe' });
  if (child.stdin !== null) shell.stdin.pipe(child.stdin);
  child.stdout?.on('data', (chunk: Buffer) => shell.stdout.write(chunk));
  child.stderr?.on('data', (chunk: Buffer) => shell.stderr.write(chunk));
  const stop = (): void => void child.kill('SIGTERM');
  shell.signal.addEventListener('abort', stop, { once: true });
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    shell.signal.removeEventListener('abort', stop);
  }
}
