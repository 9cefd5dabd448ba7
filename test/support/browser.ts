import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { type Browser, chromium } from 'playwright-core';
import { requirement } from './require.ts';
import { tempDir } from './temp-dir.ts';

const executablePath = '/usr/bin/chromium';

/** A real Chromium without a window, talking to nobody on its own, closed when the test ends; skips where there is none. */
export async function useBrowser(t: TestContext): Promise<Browser | undefined> {
  if (!requirement(t, existsSync(executablePath), `needs Chromium at ${executablePath}`)) return undefined;
  const home = tempDir(t);
  const browser = await chromium.launch({
    executablePath,
    env: { PATH: '/usr/bin:/bin', HOME: home },
    timeout: 60_000,
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  t.after(() => browser.close());
  return browser;
}
