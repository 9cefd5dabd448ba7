/** Between its half and its whole, so that those who failed together do not come again together (equal jitter). */
export function withJitter(wholeMs: number, random: number): number {
  return Math.round(wholeMs / 2 + (wholeMs / 2) * random);
}

/** Wait after the n-th try, from 1: doubles from `minWaitMs` up to `maxWaitMs`, with jitter; `random` is from 0 to 1. */
export function backOffMs(
  { minWaitMs, maxWaitMs }: { readonly minWaitMs: number; readonly maxWaitMs: number },
  tries: number,
  random: number,
): number {
  return withJitter(Math.min(maxWaitMs, minWaitMs * 2 ** Math.min(tries - 1, 30)), random);
}
