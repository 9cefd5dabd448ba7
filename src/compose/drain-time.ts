/** How long calls in flight may take when the platform stops. Unit: ms. */
export const drainMs = 20_000;
/** What a part has left when those before it took all of that. */
const leastMs = 3000;

/** One clock for all parts that wait for calls when the platform stops: it begins with the first that asks for its signal. */
export function createDrain(): () => AbortSignal {
  let endsAtMs: number | undefined;
  return () => {
    const nowMs = performance.now();
    endsAtMs ??= nowMs + drainMs;
    return AbortSignal.timeout(Math.max(leastMs, Math.ceil(endsAtMs - nowMs)));
  };
}
