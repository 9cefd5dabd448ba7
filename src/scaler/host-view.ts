import { availableParallelism } from 'node:os';
import type { HostObservation } from './decide.ts';
import { createIdleCpu } from './idle-cpu.ts';

/** The host as it is: the cores this process may use, and their idle time as the system counts it. */
export function createHostView(): (nowMs: number) => HostObservation {
  const cores = availableParallelism();
  const idleCpu = createIdleCpu();
  return (nowMs) => ({ cores, idleShare: idleCpu(nowMs) });
}
