import { execFile } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isOpenToOthers } from '../../sandbox/find-obstacles.ts';

const candidates = ['/usr/bin/python3', '/usr/local/bin/python3', '/opt/homebrew/bin/python3'];
const question = 'import sys; print(sys.executable if sys.version_info >= (3, 9) else "")';
const answerTimeoutMs = 5000;

/**
 * A Python of at least 3.9 that functions can run: the real binary behind links and wrappers. `given` alone is tried
 * when there is one. Undefined when there is none.
 */
export async function findPython(given: string | undefined, otherUsers: boolean): Promise<string | undefined> {
  for (const candidate of given === undefined ? candidates : [given]) {
    const binary = await askExecutable(candidate);
    if (binary !== undefined && (!otherUsers || isOpenToOthers(binary, 'read and execute'))) return binary;
  }
  return undefined;
}

async function askExecutable(command: string): Promise<string | undefined> {
  try {
    const options = { env: {}, timeout: answerTimeoutMs };
    const { stdout } = await promisify(execFile)(command, ['-I', '-S', '-c', question], options);
    const answer = stdout.trim();
    return answer === '' ? undefined : realpathSync(answer);
  } catch {
    return undefined;
  }
}

/** Compiles our runtime once, so that no instance has to: functions cannot write beside it. Costs only time when it fails. */
export async function compilePython(python: string, directory: string): Promise<void> {
  if (existsSync(join(directory, '__pycache__'))) return;
  try {
    await promisify(execFile)(python, ['-I', '-m', 'compileall', '-q', directory], { env: {}, timeout: 30_000 });
  } catch {
    // Each instance compiles it in memory then.
  }
}
