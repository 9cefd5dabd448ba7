import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A new folder that other users may pass through, removed when the test ends. */
export function tempDir(t: TestContext | { after(fn: () => void): void }, mode = 0o711): string {
  const dir = mkdtempSync(join(tmpdir(), 'tb-'));
  chmodSync(dir, mode);
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}
