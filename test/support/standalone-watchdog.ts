import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { startWatchdog, type Watchdog } from '../../src/watchdog.ts';
import { tempDir } from './temp-dir.ts';

/** A watchdog that stands alone, in this process, with a program of its own; stopped with the test. */
export interface ServedWatchdog {
  readonly watchdog: Watchdog;
  readonly url: string;
  readonly dir: string;
  /** What it wrote so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly metrics: () => Promise<string>;
}

/** `script` becomes `fn.sh` in its own folder, and the process unless `env` names another. */
export async function serveWatchdog(
  t: TestContext,
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ServedWatchdog> {
  const dir = tempDir(t);
  writeFileSync(join(dir, 'fn.sh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const [stdout, stderr] = [new Sink(), new Sink()];
  const watchdog = await startWatchdog({
    env: {
      PATH: `${join(process.execPath, '..')}:/usr/bin:/bin`,
      TMPDIR: dir,
      port: '0',
      metrics_port: '0',
      fprocess: './fn.sh',
      healthcheck_interval: '0',
      ...env,
    },
    cwd: dir,
    fallbackMode: 'classic',
    host: '127.0.0.1',
    stdout,
    stderr,
  });
  t.after(async () => await watchdog.stop(AbortSignal.abort()));
  return {
    watchdog,
    dir,
    url: `http://127.0.0.1:${watchdog.port}`,
    stdout: () => stdout.text,
    stderr: () => stderr.text,
    metrics: async () => await (await fetch(`http://127.0.0.1:${watchdog.metricsPort}/metrics`)).text(),
  };
}

class Sink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
