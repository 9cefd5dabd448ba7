import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

const defaultPath = '/usr/local/bin:/usr/bin:/bin';
const longestShebang = 256;

/**
 * Absolute path of the program a command names: in the function's PATH, or relative to its folder when there is a slash
 * in it. Throws, with a message for a person, when there is none, it may not be executed, or its interpreter is absent.
 */
export function findProgram(name: string, cwd: string, path = defaultPath): string {
  if (name === '') throw new Error('the process of the function is empty');
  const candidates = name.includes('/')
    ? [resolve(cwd, name)]
    : path.split(':').map((folder) => join(isAbsolute(folder) ? folder : resolve(cwd, folder), name));
  const obstacles = candidates.map(obstacleOf);
  const at = obstacles.indexOf(undefined);
  const found = candidates[at];
  if (found !== undefined) {
    assertInterpreter(found);
    return found;
  }
  const real = obstacles.find((obstacle) => obstacle !== 'absent');
  if (real !== undefined) throw new Error(`the program "${name}" cannot be run: ${real}`);
  const where = name.includes('/') ? `there is no ${candidates[0]}` : `it is not in PATH (${path})`;
  throw new Error(`the program "${name}" was not found: ${where}`);
}

/** Why a file cannot be run; undefined: it can. */
function obstacleOf(file: string): string | undefined {
  try {
    const facts = statSync(file, { throwIfNoEntry: false });
    if (facts === undefined) return 'absent';
    if (!facts.isFile()) return `${file} is not a file`;
  } catch (reason) {
    // A folder of PATH this user may not enter hides no program in a later one.
    return `${file} cannot be reached: ${(reason as NodeJS.ErrnoException).code}`;
  }
  try {
    accessSync(file, constants.X_OK);
    return undefined;
  } catch {
    return `${file} may not be executed by uid ${process.geteuid?.() ?? '?'}`;
  }
}

/** The kernel would only say that "it" does not exist. */
function assertInterpreter(file: string): void {
  const interpreter = readShebang(file);
  if (interpreter === undefined || obstacleOf(interpreter) === undefined) return;
  throw new Error(`the program "${file}" cannot be run: its first line names ${interpreter}, which is not there`);
}

function readShebang(file: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return undefined; // executable, but not readable
  }
  try {
    const bytes = Buffer.alloc(longestShebang);
    const text = bytes.toString('latin1', 0, readSync(fd, bytes));
    return /^#!\s*(\/[^\s]+)/.exec(text)?.[1];
  } finally {
    closeSync(fd);
  }
}
