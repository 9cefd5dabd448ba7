/** Random numbers that are the same for the same seed. */
export interface Random {
  /** 0 up to, not including, 1. */
  uniform(): number;
  /** Of an exponential distribution with this mean. */
  exponential(mean: number): number;
  /** Of a normal distribution with mean 0 and deviation 1. */
  normal(): number;
}

/** Mulberry32: small, fast, and good enough for traces. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    uniform,
    exponential: (mean) => -Math.log(1 - uniform()) * mean,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
