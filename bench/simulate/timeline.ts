/** Something that happens at a time. */
interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => void;
}

/** Events in order of time, those of one time in order of coming: a binary heap. */
export interface Timeline {
  add(atMs: number, act: () => void): void;
  next(): { readonly atMs: number; readonly act: () => void } | undefined;
}

export function createTimeline(): Timeline {
  const heap: Event[] = [];
  let added = 0;

  const before = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  const at = (index: number): Event => heap[index] as Event;
  const swap = (a: number, b: number): void => {
    const kept = at(a);
    heap[a] = at(b);
    heap[b] = kept;
  };

  function rise(index: number): void {
    for (let child = index; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!before(at(child), at(parent))) return;
      swap(child, parent);
      child = parent;
    }
  }

  function sink(): void {
    for (let parent = 0; ; ) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      let least = parent;
      if (left < heap.length && before(at(left), at(least))) least = left;
      if (right < heap.length && before(at(right), at(least))) least = right;
      if (least === parent) return;
      swap(parent, least);
      parent = least;
    }
  }

  return {
    add(atMs, act) {
      added += 1;
      heap.push({ atMs, order: added, act });
      rise(heap.length - 1);
    },
    next() {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined || first === last) return first;
      heap[0] = last;
      sink();
      return first;
    },
  };
}
