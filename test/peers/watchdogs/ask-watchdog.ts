import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** One question: requests sent at once; `until`: asked again until every answer has this in it. */
export interface Ask {
  readonly name: string;
  readonly port?: number;
  readonly requests: readonly string[];
  readonly until?: string;
}

export interface Asked {
  readonly answers: Readonly<Record<string, readonly string[]>>;
  readonly log: string;
}

/**
 * Starts a watchdog in a network namespace of its own, where 8080 and 8081 are free, and asks it there. Its processes have a
 * namespace, too: what a killed watchdog leaves behind ends with it.
 */
export async function askWatchdog(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
  asks: readonly Ask[],
): Promise<Asked> {
  const inside = join(import.meta.dirname, 'ask-inside.mjs');
  const child = spawn(
    'unshare',
    [
      '--net',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'sh',
      '-c',
      'ip link set lo up && exec "$0" "$1"',
      process.execPath,
      inside,
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const exited = once(child, 'exit');
  child.stdin.end(JSON.stringify({ command, env, cwd, asks }));
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await exited;
  try {
    return JSON.parse(output) as Asked;
  } catch {
    throw new Error(`nothing was asked of ${command.join(' ')}: ${errors}`);
  }
}

/** A request over a connection that is closed behind its answer. */
export function formatRequest(method: string, path: string, fields: readonly string[] = [], body?: string): string {
  const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: fn.example', 'Connection: close', ...fields, ...length];
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}
