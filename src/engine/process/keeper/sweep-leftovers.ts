import { destroyCage } from '../../../sandbox/cage.ts';
import { killGroup } from './kill-group.ts';
import type { Journal, ProgramRecord } from './journal.ts';
import { readStartTime } from './process-identity.ts';

/** Kills what an earlier keeper left behind; never adopts it, for its pipes and exit results are lost. */
export async function sweepLeftovers(journal: Journal, bootId: string): Promise<void> {
  const sweeps = [...journal.all()].map(async ([id, record]) => {
    if (record.bootId === bootId) killRecorded(record);
    await destroyCage(record.cage).catch(() => undefined);
    journal.remove(id);
  });
  await Promise.all(sweeps);
}

/** A pid alone proves nothing: only with the same start time is it the process that was recorded. */
function killRecorded(record: ProgramRecord): void {
  if (record.startTime === undefined || readStartTime(record.pid) !== record.startTime) return;
  killGroup(record.pid);
}
