import { existsSync, renameSync, rmSync } from 'node:fs';

/** Complete or not there. Somebody who installed the same meanwhile is as good. */
export function moveIntoPlace(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
    rmSync(from, { recursive: true, force: true });
  }
}
