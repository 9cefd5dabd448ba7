import { destroyCage } from '../../../sandbox/cage.ts';
import { killGroup } from './kill-group.ts';
import type { Journal, ProgramRecord } from './journal.ts';
import { isRunning } from './process-identity.ts';

/**
 * Kills what an earlier keeper left behind, those records that `isLeft` picks; never adopts it, for its pipes and exit
 * results are lost. Several sweeps at once do each other no harm.
 */
export async function sweepLeftovers(
  journal: Journal,
  bootId: string,
  isLeft: (record: ProgramRecord) => boolean = () => true,
): Promise<void> {
  const sweeps = [...journal.all()]
    .filter(([, record]) => isLeft(record))
    .map(async ([id, record]) => {
      const { program } = record;
      // A pid alone proves nothing: only with the same boot and start time is it the process that was recorded.
      if (program !== undefined && record.bootId === bootId && isRunning(program)) killGroup(program.pid);
      await destroyCage(record.cage).catch(() => undefined);
      journal.remove(id);
    });
  await Promise.all(sweeps);
}
