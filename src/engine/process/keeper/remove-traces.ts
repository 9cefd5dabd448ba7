import { chmodSync, rmSync } from 'node:fs';

/** Removes what an ended program wrote and was given: its folder and its secrets. */
export function removeTraces(directories: readonly string[]): void {
  for (const directory of directories) {
    try {
      // Another instance of the same user must not be able to swap what is being removed.
      chmodSync(directory, 0o700);
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    } catch {
      // Gone already, or for the sweep of the next platform.
    }
  }
}
