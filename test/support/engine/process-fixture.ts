import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '../temp-dir.ts';
import type { Instance } from '../../../src/model/instance.ts';
import { createSandbox } from '../../../src/sandbox/create-sandbox.ts';
import type { EngineFixture } from '../../../src/engine/conformance.ts';
import { type ProcessEngineOptions, createProcessEngine } from '../../../src/engine/process/engine.ts';
import { behaviourWorkload } from './test-bundle.ts';

/** Folders of one platform under test. */
export interface Places {
  readonly stateDir: string;
  readonly runDir: string;
  readonly bundles: string;
}

export function makePlaces(t: Parameters<typeof tempDir>[0]): Places {
  const root = tempDir(t);
  const [stateDir, runDir, bundles] = [join(root, 's'), join(root, 'r'), join(root, 'b')];
  mkdirSync(stateDir, { mode: 0o700 });
  mkdirSync(runDir, { mode: 0o711 });
  mkdirSync(bundles, { mode: 0o755 });
  return { stateDir, runDir, bundles };
}

/** Short times, no warm pool unless asked for. */
export const testTimes = { startTimeoutMs: 5000, stableAfterMs: 500, pool: { node: 0, python: 0 } } as const;

/** A started process engine that leaves nothing; not for tests that kill platforms. */
export async function makeProcessFixture(
  options: Partial<ProcessEngineOptions> = {},
): Promise<EngineFixture & { readonly places: Places }> {
  const removals: (() => void)[] = [];
  const places = makePlaces({ after: (remove: () => void) => void removals.push(remove) });
  const sandbox = await createSandbox(places);
  const engine = createProcessEngine({ ...testTimes, ...places, sandbox, ...options });
  await engine.start();
  return {
    engine,
    places,
    workload: (name, behaviour) => behaviourWorkload(join(places.bundles, name), name, behaviour),
    crash,
    isLeft: async (instance) => isLeft(instance),
    close: async () => {
      await engine.close();
      await sandbox.close();
      for (const remove of removals) remove();
    },
  };
}

async function crash({ address }: Instance, exitCode: number): Promise<void> {
  if (address?.kind !== 'http') throw new TypeError('only HTTP programs can be told to exit');
  await fetch(`http://${address.host}:${address.port}/exit/${exitCode}`).catch(() => undefined);
}

/** Its process, or its cage. */
export function isLeft({ pid, id }: Instance): boolean {
  return (pid !== undefined && isAlive(pid)) || cagesNamed(id).length > 0;
}

/** Cgroups with this name in any hierarchy. */
function cagesNamed(id: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').matchAll(/^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2? /gm);
  return [...mounts].flatMap(([, mount = '']) =>
    readdirSync(mount)
      .filter((name) => name.startsWith('tinderbox-') && existsSync(join(mount, name, id)))
      .map((name) => join(mount, name, id)),
  );
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
