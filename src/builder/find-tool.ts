import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { TinderboxError } from '../model/errors.ts';
import { type Need, isOpenToOthers } from '../sandbox/find-obstacles.ts';
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
    if (isUsable(file, 'read and execute')) return { file, version: await readVersion(file, tool) };
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

/** Whether builds can use the file: they are users of their own where the platform is root, else the platform's. */
export function isUsable(file: string, need: Need): boolean {
  return process.getuid?.() !== 0 || isOpenToOthers(file, need);
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
