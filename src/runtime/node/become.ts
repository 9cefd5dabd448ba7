import { mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import type { Specialise } from '../../frame/messages.ts';
import { useModulePaths } from './module-paths.ts';

/** Files a function makes are its own. */
const umask = 0o077;

/** Makes this generic process the one that runs the function, short of loading its code. Throws with the reason. */
export function become(specialise: Specialise): void {
  if (specialise.identity !== undefined) takeIdentity(specialise.identity);
  process.umask(umask);
  replaceEnvironment(specialise.env);
  process.chdir(specialise.workdir);
  const tmpDir = specialise.env['TMPDIR'];
  if (tmpDir !== undefined) mkdirSync(tmpDir, { recursive: true });
  useModulePaths(specialise.modulePaths);
  // Portable caches name modules by their place relative to the cache, so one that a build made elsewhere is found.
  if (specialise.compileCache !== undefined) enableCompileCache({ directory: specialise.compileCache, portable: true });
}

/** Groups, then gid, then uid, then proof: nothing foreign may run before all three are in force. */
function takeIdentity({ uid, gid, groups }: NonNullable<Specialise['identity']>): void {
  const already = process.getuid?.() === uid && process.getgid?.() === gid;
  if (!already) {
    process.setgroups?.([...groups]);
    process.setgid?.(gid);
    process.setuid?.(uid);
  }
  const inForce =
    process.getuid?.() === uid &&
    process.geteuid?.() === uid &&
    process.getgid?.() === gid &&
    process.getegid?.() === gid &&
    process.getgroups?.().every((group) => group === gid || groups.includes(group)) === true;
  if (!inForce) throw new Error(`uid ${uid}, gid ${gid} and groups ${groups.join(', ')} are not in force`);
}

function replaceEnvironment(env: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
}
