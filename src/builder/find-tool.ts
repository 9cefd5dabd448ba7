import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { TinderboxError } from '../model/errors.ts';
import type { Tool } from './tools.ts';

/** A tool of this machine that any user can run. */
export interface FoundTool {
  readonly file: string;
  /** As `1.26.8`; empty for one whose version does not matter. */
  readonly version: string;
}

/** Throws `build-failed` with the way to get it, also when it is there for the platform's own user only. */
export async function findTool(tool: Tool, name: string, folders: readonly string[]): Promise<FoundTool> {
  const places = [...folders, ...(tool.folders ?? [])];
  const closed: string[] = [];
  for (const file of tool.programs.flatMap((program) => places.map((folder) => join(folder, program)))) {
    if (!(await isExecutable(file))) continue;
    if (await isOpen(file)) return { file, version: await readVersion(file, tool) };
    closed.push(file);
  }
  const where = closed.length === 0 ? `was not found in ${places.join(', ')}` : `is at ${closed[0]}, closed to others`;
  throw new TinderboxError('build-failed', `the build needs ${name}, which ${where}`, { hint: tool.advice });
}

async function isExecutable(file: string): Promise<boolean> {
  return await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function isOpen(file: string): Promise<boolean> {
  return (await isOpenToAll(file, 0o005)) && (await isOpenToAll(await realpath(file), 0o005));
}

/** Whether any user can pass every folder above and read the file (and run it, when it is to be run). */
export async function isOpenToAll(file: string, bits: number): Promise<boolean> {
  if (process.getuid?.() !== 0) return true;
  try {
    if (((await stat(file)).mode & bits) !== bits) return false;
    for (let folder = dirname(file); folder !== '/'; folder = dirname(folder)) {
      if (((await stat(folder)).mode & 0o001) === 0) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** The first number with a point in what it prints about itself. */
async function readVersion(file: string, tool: Tool): Promise<string> {
  if (tool.version === undefined) return '';
  // No HOME: asked by the platform's own user, a tool must leave nothing behind. Go would fetch what a go.mod asks for.
  const env = { PATH: `${dirname(file)}:/usr/bin:/bin`, GOTOOLCHAIN: 'local' };
  const options = { env, cwd: '/', timeout: 20_000 };
  const said = await promisify(execFile)(file, [...tool.version], options).catch(() => undefined);
  return /\d+\.\d+(\.\d+)?/.exec(`${said?.stdout ?? ''}\n${said?.stderr ?? ''}`)?.[0] ?? 'unknown';
}
