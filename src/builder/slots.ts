import { TinderboxError } from '../model/errors.ts';

/** Lets `size` builds run at once; the others wait in order. */
export interface Slots {
  /** Resolves with the way to give the slot back. Rejects with `canceled` when `signal` aborts first. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createSlots(size: number): Slots {
  let free = size;
  const waiting: (() => void)[] = [];
  const giveBack = (): void => {
    free += 1;
    waiting.shift()?.();
  };
  return {
    async take(signal) {
      while (free === 0) await waitForTurn(waiting, signal);
      if (signal.aborted) {
        // Passing the turn on: whoever waits behind must not wait for a slot nobody holds.
        waiting.shift()?.();
        throw canceled();
      }
      free -= 1;
      let held = true;
      return () => {
        if (held) giveBack();
        held = false;
      };
    },
  };
}

async function waitForTurn(waiting: (() => void)[], signal: AbortSignal): Promise<void> {
  const turn = Promise.withResolvers<void>();
  const leave = (): void => {
    const place = waiting.indexOf(turn.resolve);
    if (place >= 0) waiting.splice(place, 1);
    turn.reject(canceled());
  };
  if (signal.aborted) throw canceled();
  waiting.push(turn.resolve);
  signal.addEventListener('abort', leave, { once: true });
  try {
    await turn.promise;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

function canceled(): TinderboxError {
  return new TinderboxError('canceled', 'the build was canceled while it waited for its turn');
}
