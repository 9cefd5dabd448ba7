import type { TestContext } from 'node:test';

/**
 * States what a test needs; the one place of the repository that skips. True: go on. False: the test was skipped with
 * the reason; with CI=true it fails instead, so that a machine that lacks something cannot pass quietly.
 */
export function requirement(t: Pick<TestContext, 'skip'>, ok: boolean, reason: string): boolean {
  if (ok) return true;
  if (process.env['CI'] === 'true') throw new Error(`with CI=true nothing may be skipped: ${reason}`);
  t.skip(reason);
  return false;
}

/** The requirement of tests that become, or make, other users. */
export function rootRequirement(t: Pick<TestContext, 'skip'>, reason = 'needs root'): boolean {
  return requirement(t, process.getuid?.() === 0, reason);
}
