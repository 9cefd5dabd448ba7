import type { ScaleTarget } from './scale-target.ts';

/**
 * Lets at most `concurrentStarts` instances be on their way at once; the others wait here in order of arrival, those
 * that somebody calls first, and revisions that want several take turns.
 */
export interface StartQueue {
  add(target: ScaleTarget): void;
  remove(target: ScaleTarget): void;
  /** States one higher count for as many waiting revisions as there are free slots. */
  pump(nowMs: number): void;
  /** Slots that are free and that nobody waits for. */
  free(nowMs: number): number;
}

export function createStartQueue(
  concurrentStarts: number,
  state: (target: ScaleTarget, count: number) => void,
): StartQueue {
  const waiting = new Set<ScaleTarget>();
  const moving = new Set<ScaleTarget>();

  function freeSlots(nowMs: number): number {
    let used = 0;
    for (const target of moving) {
      const slots = target.startSlots(nowMs);
      if (slots === 0) moving.delete(target);
      used += slots;
    }
    return concurrentStarts - used;
  }

  return {
    add(target) {
      waiting.add(target);
    },
    remove(target) {
      waiting.delete(target);
      moving.delete(target);
    },
    pump(nowMs) {
      if (waiting.size === 0) return;
      let free = freeSlots(nowMs);
      while (free > 0 && waiting.size > 0) {
        const target = next(waiting);
        waiting.delete(target);
        if (target.desired <= target.stated) continue;
        target.announce(1, nowMs);
        moving.add(target);
        free -= 1;
        state(target, target.stated + 1);
        if (target.desired > target.stated) waiting.add(target);
      }
    },
    free: (nowMs) => Math.max(0, freeSlots(nowMs) - waiting.size),
  };
}

function next(waiting: ReadonlySet<ScaleTarget>): ScaleTarget {
  const [first] = waiting;
  for (const target of waiting) if (target.wake !== undefined) return target;
  return first as ScaleTarget;
}
