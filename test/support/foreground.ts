import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from './until.ts';

/** A command as a terminal runs it: leader of a process group, to which Ctrl-C goes as a whole. */
export interface Foreground {
  /** Everything it printed so far, on both streams. */
  output(): string;
  /** First match in its output; rejects with the output when it ends before, or at the deadline. */
  printed(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** SIGINT to the whole group; resolves with how the command ended. */
  interrupt(): Promise<number | NodeJS.Signals | null>;
  /** Interrupts it if it still runs. */
  dispose(): Promise<void>;
}

export interface ForegroundOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function startForeground(command: readonly string[], options: ForegroundOptions): Foreground {
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    ...options,
    env: { ...options.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let over = false;
  ended.then(
    () => (over = true),
    () => (over = true),
  );
  const interrupt = async (): Promise<number | NodeJS.Signals | null> => {
    if (!over) process.kill(-(child.pid ?? 0), 'SIGINT');
    const [code, signal] = await ended;
    return signal ?? code;
  };
  return {
    output: () => text,
    async printed(pattern, timeoutMs = 60_000) {
      const found = await until(`output ${pattern}`, () => pattern.exec(text) ?? over, timeoutMs).catch(() => true);
      if (typeof found === 'object') return found;
      throw new Error(`"${command.join(' ')}" did not print ${pattern}:\n${text}`);
    },
    interrupt,
    async dispose() {
      if (!over) await interrupt();
    },
  };
}
