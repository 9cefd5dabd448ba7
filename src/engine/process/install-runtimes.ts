import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { TinderboxError } from '../../model/errors.ts';
import { entries, findInstallation, pythonMain } from './installation.ts';
import { installNode } from './install-node.ts';

/** What was installed, as absolute paths; a runtime this build of the platform lacks is undefined. */
export interface InstalledRuntimes {
  /** Node binary that every function's user can execute. */
  readonly node: string;
  readonly keeperMain: string;
  readonly nodeMain: string | undefined;
  readonly pythonMain: string | undefined;
  readonly watchdogMain: string | undefined;
  /** What running programs need of it, as paths. */
  readonly uses: readonly string[];
}

export interface InstallOptions {
  readonly runDir: string;
  /** Node binary to run functions with; default: the one running now. */
  readonly node?: string;
  /** Whether functions run as other users, who must be able to reach what they run. */
  readonly otherUsers: boolean;
  /** The platform's modules; default: the tree this file is in. */
  readonly sourceRoot?: string;
}

/**
 * Puts what functions run on into `runDir/runtime`: the shims and the keeper as plain JavaScript under a name made of
 * their content, readable by everyone and writable by nobody else, and a reachable Node binary. Doing it again costs a
 * few milliseconds; a platform that was upgraded installs beside what living instances still use.
 */
export async function installRuntimes(options: InstallOptions): Promise<InstalledRuntimes> {
  const sourceRoot = options.sourceRoot ?? resolve(import.meta.dirname, '../..');
  const runtimeDir = join(options.runDir, 'runtime');
  mkdirSync(runtimeDir, { recursive: true, mode: 0o755 });
  chmodSync(runtimeDir, 0o755);
  const directory = findInstallation(runtimeDir, sourceRoot) ?? (await installInChild(sourceRoot, runtimeDir));
  const find = (path: string): string | undefined => {
    const file = join(directory, path);
    return existsSync(file) ? file : undefined;
  };
  const node = installNode(options.node ?? process.execPath, runtimeDir, options.otherUsers);
  return {
    node,
    keeperMain: join(directory, `${entries.keeper}.cjs`),
    nodeMain: find(`${entries.node}.cjs`),
    pythonMain: find(pythonMain),
    watchdogMain: find(`${entries.watchdog}.cjs`),
    uses: [directory, node],
  };
}

/** In a process of its own: the compiler that strips types would stay in this one's memory for good. */
async function installInChild(sourceRoot: string, runtimeDir: string): Promise<string> {
  const program = join(import.meta.dirname, `install-main${extname(import.meta.filename)}`);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, sourceRoot, runtimeDir], { env: {} });
    return stdout.trim();
  } catch (cause) {
    const message = `the runtimes cannot be installed in ${runtimeDir}: ${(cause as Error).message}`;
    throw new TinderboxError('unavailable', message, { cause });
  }
}
