import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

/** Absolute paths of the system programs the sandbox is made of; undefined where one is not installed. */
export interface Tools {
  readonly setpriv: string | undefined;
  readonly unshare: string | undefined;
  readonly mount: string | undefined;
  readonly env: string | undefined;
  readonly bwrap: string | undefined;
  readonly nsenter: string | undefined;
  readonly script: string | undefined;
  readonly stty: string | undefined;
  readonly python: string | undefined;
}

// Fixed places, never PATH: the launcher runs them as root.
const places = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin', '/run/current-system/sw/bin'];

export const shellPath = '/bin/sh';

export async function findTools(): Promise<Tools> {
  const [setpriv, unshare, mount, env, bwrap, nsenter, script, stty, python] = await Promise.all(
    ['setpriv', 'unshare', 'mount', 'env', 'bwrap', 'nsenter', 'script', 'stty', 'python3'].map(findTool),
  );
  return { setpriv, unshare, mount, env, bwrap, nsenter, script, stty, python };
}

async function findTool(name: string): Promise<string | undefined> {
  for (const place of places) {
    const path = join(place, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

export type Attempt = { readonly ok: true; readonly output: string } | { readonly ok: false; readonly reason: string };

/** Runs a program once with an empty environment; never rejects. `reason` is its first line of complaint. */
export function attempt(file: string, args: readonly string[], timeoutMs = 5_000): Promise<Attempt> {
  return new Promise((resolve) => {
    const options = { env: {}, cwd: '/', timeout: timeoutMs, killSignal: 'SIGKILL' as const, maxBuffer: 2 ** 16 };
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ ok: true, output: stdout });
      else resolve({ ok: false, reason: stderr.trim().split('\n')[0] || error.message.split('\n')[0] || 'failed' });
    });
  });
}
