import type { ScaleObservation } from '../../src/scaler/decide.ts';

/** What the scaler sees of a revision with one ready instance and nothing to do. */
export const quietObservation: ScaleObservation = {
  nowMs: 0,
  panicLoad: undefined,
  panic: undefined,
  ready: 1,
  alerted: 0,
  load: 0,
  inFlight: 0,
  waiting: 0,
  completedPerMs: 0,
  host: { cores: 2, idleShare: 1 },
  concurrency: 100,
  idleMs: 0,
  starting: false,
  floor: 0,
  heldAtZero: false,
  highestRecent: 0,
  before: 0,
};
