import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readFile, realpath, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { TinderboxError } from '../model/errors.ts';
import type { Identity } from '../sandbox/sandbox.ts';
import { removeTree } from '../sandbox/remove-tree.ts';
import { resolveInterpreter } from '../sandbox/resolve-interpreter.ts';
import { findTool, isUsable } from './find-tool.ts';
import type { FoundTool } from './find-tool.ts';
import { tools } from './tools.ts';
import type { ToolName } from './tools.ts';

/** Programs builds use, each one that a build's own user can run. */
export interface Toolchain {
  /** Versions of tools for the digest and the manifest, as `go 1.26.8`; `exec` for none. Throws as `command`. */
  version(wanted: readonly ToolName[]): Promise<string>;
  /** Beginning of a command line that runs the tool. Throws `build-failed` with the way to get what is missing. */
  command(tool: ToolName): Promise<readonly string[]>;
}

export interface ToolchainOptions {
  /** Tools only the platform's user can reach are copied to `runDir/tools`. */
  readonly runDir: string;
  readonly toolPath: string;
}

interface Python {
  readonly file: string;
  readonly version: string;
  readonly pip: boolean;
}

const run = promisify(execFile);
const pythonFacts =
  'import sys,importlib.util as u;print("%d.%d.%d"%sys.version_info[:3],u.find_spec("pip") is not None)';

/** Nothing is looked for before it is needed; what was found is kept. */
export function createToolchain(options: ToolchainOptions): Toolchain {
  const folders = options.toolPath.split(':').filter((folder) => folder.startsWith('/'));
  const pythons = lazy(async () => await findPythons(folders));
  const node = lazy(async () => await shareNode(options.runDir));
  const npm = lazy(async () => await findNpm(options, folders, node));
  const found = new Map<string, () => Promise<FoundTool>>();
  const find = async (name: keyof typeof tools): Promise<FoundTool> => {
    const known = found.get(name) ?? lazy(async () => await findTool(tools[name], name, folders));
    found.set(name, known);
    return await known();
  };
  const versionOf = async (tool: ToolName): Promise<string> => {
    if (tool === 'node' || tool === 'npm') return `node ${process.versions.node}`;
    if (tool === 'python' || tool === 'pip') return `python ${firstPython(await pythons()).version}`;
    const { version } = await find(tool);
    return version === '' ? tool : `${tool} ${version}`;
  };
  return {
    async version(wanted) {
      const versions = await Promise.all(wanted.map(versionOf));
      return versions.length === 0 ? 'exec' : versions.join(', ');
    },
    async command(tool) {
      if (tool === 'npm') return await npm();
      if (tool === 'node') return [await node()];
      if (tool === 'python') return [pythonWithPip(await pythons())];
      if (tool === 'pip') return [pythonWithPip(await pythons()), '-I', '-m', 'pip'];
      return [(await find(tool)).file];
    },
  };
}

function pythonWithPip(pythons: readonly Python[]): string {
  const minor = (python: Python): string => python.version.split('.').slice(0, 2).join('.');
  const wanted = minor(firstPython(pythons));
  const python = pythons.find((candidate) => candidate.pip && minor(candidate) === wanted);
  if (python !== undefined) return python.file;
  throw new TinderboxError('build-failed', `no Python ${wanted} with pip that a build may run was found`, {
    hint: 'install pip for it, for example with: apt-get install python3-pip',
  });
}

function lazy<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return async () => {
    found ??= find();
    try {
      return await found;
    } catch (error) {
      found = undefined;
      throw error;
    }
  };
}

/** Each asked itself, because a program called python3 may be a shim that runs another one. */
async function findPythons(folders: readonly string[]): Promise<Python[]> {
  const found = new Map<string, Python>();
  for (const folder of folders) {
    const { path } = await resolveInterpreter([join(folder, 'python3')], anyUser());
    if (path === undefined || found.has(path)) continue;
    const answer = await run(path, ['-I', '-c', pythonFacts], { env: {}, timeout: 10_000 }).catch(() => undefined);
    const [version, pip] = answer?.stdout.trim().split(' ') ?? [];
    if (version !== undefined) found.set(path, { file: path, version, pip: pip === 'True' });
  }
  return [...found.values()];
}

/** A user with no rights but everybody's; undefined where all runs as the platform's own user. */
function anyUser(): Identity | undefined {
  return process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534, groups: [] } : undefined;
}

function firstPython(pythons: readonly Python[]): Python {
  const first = pythons[0];
  if (first !== undefined) return first;
  throw new TinderboxError('build-failed', 'no python3 that a function may run was found', {
    hint: 'install Python 3 for all users of this machine; one below a private home folder cannot be used',
  });
}

async function findNpm(
  options: ToolchainOptions,
  folders: readonly string[],
  node: () => Promise<string>,
): Promise<readonly [node: string, cli: string]> {
  const beside = join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');
  for (const candidate of [beside, ...folders.map((folder) => join(folder, 'npm'))]) {
    const cli = await realpath(candidate).catch(() => undefined);
    if (cli === undefined || basename(cli) !== 'npm-cli.js') continue;
    return [await node(), await shareNpm(options.runDir, cli)];
  }
  throw new TinderboxError('build-failed', `npm was found neither beside Node nor in ${options.toolPath}`, {
    hint: 'install npm, or send the function without dependencies in package.json',
  });
}

async function shareNode(runDir: string): Promise<string> {
  const own = await realpath(process.execPath);
  if (isUsable(own, 'read and execute')) return own;
  return await share(join(runDir, 'tools', `node-${process.versions.node}`), 'bin/node', async (target) => {
    await mkdir(join(target, 'bin'));
    await copyFile(own, join(target, 'bin/node'), constants.COPYFILE_FICLONE);
    await chmod(join(target, 'bin/node'), 0o755);
  });
}

async function shareNpm(runDir: string, cli: string): Promise<string> {
  const root = dirname(dirname(cli));
  if ([cli, join(root, 'package.json')].every((file) => isUsable(file, 'read'))) return cli;
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return await share(join(runDir, 'tools', `npm-${version}`), 'bin/npm-cli.js', async (target) => {
    await cp(root, target, { recursive: true, dereference: true });
    await run('chmod', ['-R', 'go=u-w', target]);
  });
}

/** Makes `folder` complete or not at all and resolves with the path of `file` in it. */
async function share(folder: string, file: string, fill: (target: string) => Promise<void>): Promise<string> {
  const path = join(folder, file);
  if (isUsable(path, 'read')) return path;
  const target = `${folder}.${process.pid}.tmp`;
  await mkdir(target, { recursive: true });
  try {
    await chmod(dirname(folder), 0o755);
    await chmod(target, 0o755);
    await fill(target);
    await rename(target, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await removeTree(target);
  }
  return path;
}
