import type { Engine } from '../engine/engine.ts';
import { TinderboxError } from '../model/errors.ts';
import type { RevisionId } from '../model/names.ts';

interface Look {
  readonly cpuMs: number;
  readonly atMs: number;
}

export interface CpuMeterOptions {
  readonly engine: Pick<Engine, 'instances'>;
  /** Processor time that a program and all it started have used, in ms. */
  readonly read: (pid: number) => Promise<number>;
  /** Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * Thousandths of a core that the instances of a revision use: the growth of their processor time between the last two
 * looks, as OpenFaaS's rule `irate(pod_cpu_usage_seconds_total[1m])*1000`. An instance counts from its second look on.
 * Rejects with `unavailable` before any has one.
 */
export function createCpuMeter({ engine, read, now = () => performance.now() }: CpuMeterOptions) {
  const looks = new Map<RevisionId, ReadonlyMap<string, Look>>();
  return async (revision: RevisionId): Promise<number> => {
    const programs = programsOf(engine);
    // Nobody asks for a revision again that was removed.
    for (const known of looks.keys()) if (!programs.has(known)) looks.delete(known);
    const before = looks.get(revision);
    const after = new Map<string, Look>();
    for (const { id, pid } of programs.get(revision) ?? []) after.set(id, { cpuMs: await read(pid), atMs: now() });
    if (after.size > 0) looks.set(revision, after);
    const grown = [...after].flatMap(([id, look]) => {
      const earlier = before?.get(id);
      const elapsedMs = look.atMs - (earlier?.atMs ?? look.atMs);
      return earlier === undefined || elapsedMs <= 0 ? [] : [Math.max(0, look.cpuMs - earlier.cpuMs) / elapsedMs];
    });
    if (grown.length === 0) throw new TinderboxError('unavailable', 'no instance was looked at twice yet');
    return grown.reduce((sum, share) => sum + share * 1_000, 0);
  };
}

/** Ready instances that have a process, by revision. */
function programsOf(engine: CpuMeterOptions['engine']): Map<RevisionId, { id: string; pid: number }[]> {
  const programs = new Map<RevisionId, { id: string; pid: number }[]>();
  for (const { id, pid, state, revision } of engine.instances()) {
    if (state !== 'ready' || pid === undefined) continue;
    programs.set(revision, [...(programs.get(revision) ?? []), { id, pid }]);
  }
  return programs;
}
