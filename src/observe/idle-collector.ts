import { getHeapStatistics } from 'node:v8';

export interface IdleCollectorOptions {
  /** Calls that have ended so far, and those under way. */
  readonly calls: () => { readonly completed: number; readonly underWay: number };
  /** Collects garbage and returns unused pages to the system; default V8's, where `--expose-gc` was given, else nothing. */
  readonly collect?: (() => void) | undefined;
  /** Bytes the heap holds, in use or not; default V8's. */
  readonly heapBytes?: () => number;
  /** Time between two looks, default 5 s. */
  readonly intervalMs?: number;
}

/** Looks in a row without a call before it is collected. */
const quietLooks = 2;
/** What the heap has to have grown since the last time to be worth a pause. */
const worthBytes = 16 * 2 ** 20;

/**
 * Gives memory back when the platform has nothing to do. V8 collects when something is allocated, so a process that went
 * idle keeps all of its last peak. The pause (some 40 ms) meets no call, since there was none for ten seconds, and an
 * idle platform pays it once. Returns the way to stop.
 */
export function startIdleCollector(options: IdleCollectorOptions): () => void {
  const { calls, collect = exposedCollector(), heapBytes = () => getHeapStatistics().total_heap_size } = options;
  if (collect === undefined) return () => undefined;
  let ownBytes = heapBytes();
  let before = calls().completed;
  let quiet = 0;
  const look = (): void => {
    const { completed, underWay } = calls();
    quiet = underWay === 0 && completed === before ? quiet + 1 : 0;
    before = completed;
    if (quiet !== quietLooks || heapBytes() < ownBytes + worthBytes) return;
    collect();
    ownBytes = heapBytes();
  };
  const timer = setInterval(look, options.intervalMs ?? 5000).unref();
  return () => clearInterval(timer);
}

function exposedCollector(): (() => void) | undefined {
  const { gc } = globalThis;
  // The last resort gives pages back in one step; any other keeps them for some seconds, and more of them for good.
  return gc === undefined ? undefined : () => gc({ type: 'major', flavor: 'last-resort' });
}
