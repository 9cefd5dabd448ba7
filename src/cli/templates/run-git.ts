import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { TinderboxError } from '../../model/errors.ts';
import { isDebugging, withoutUserInfo } from '../connection/trace-requests.ts';
import type { Shell } from '../terminal/shell.ts';

/** Where git is run and what of it is shown. */
export interface GitOptions {
  readonly cwd?: string;
  /** Passes git's own messages on to stderr. */
  readonly debug?: boolean;
}

/**
 * Runs git without asking for passwords, running hooks, or taking transports that are programs. Resolves with its
 * stdout. Rejects with `invalid` and its last line, with `not-found` where there is no git.
 */
export async function runGit(
  shell: Pick<Shell, 'env' | 'cwd' | 'signal' | 'stderr'>,
  args: readonly string[],
  { cwd = shell.cwd, debug = false }: GitOptions = {},
): Promise<string> {
  if (isDebugging(shell)) shell.stderr.write(`[git] git ${withoutUserInfo(args.join(' '))}\n`);
  const child = spawn('git', ['-c', 'core.hooksPath=/dev/null', '-c', 'protocol.ext.allow=never', ...args], {
    cwd,
    env: { ...shell.env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: shell.signal,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (debug) child.stderr.on('data', (chunk: Buffer) => shell.stderr.write(chunk));
  try {
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    if (code === 0) return stdout;
    throw new TinderboxError('invalid', `git ${args[0]} failed: ${lastLine(stderr)}`);
  } catch (reason) {
    // Programs that git had started hold them too, for as long as they like: nobody waits for those.
    child.stdout.destroy();
    child.stderr.destroy();
    if ((reason as NodeJS.ErrnoException).code !== 'ENOENT') throw reason;
    throw new TinderboxError('not-found', 'git is not on the path', { hint: 'install git', cause: reason });
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? 'it said nothing';
}
