import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { tempDir } from './temp-dir.ts';
import { fakeLogin, type FakePlatform, startFakePlatform } from '../../src/cli/testing/fake-platform.ts';
import { type CliRun, runInTest, type TestShellOptions } from '../../src/cli/testing/test-shell.ts';

/** A fake platform, and command lines that are run against it. */
export interface Bench extends FakePlatform {
  readonly cwd: string;
  /** Words are separated by blanks. */
  readonly run: (line: string, options?: Partial<TestShellOptions>) => Promise<CliRun>;
}

/** A fake platform, a folder whose data folder knows its password, and a way to run command lines against both. */
export async function createBench(t: TestContext): Promise<Bench> {
  const platform = await startFakePlatform(t);
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'password'), fakeLogin.password);
  const env = { OPENFAAS_URL: platform.url, TINDERBOX_DATA_DIR: cwd };
  const run = (line: string, options: Partial<TestShellOptions> = {}): Promise<CliRun> =>
    runInTest(line.split(' '), { cwd, ...options, env: { ...env, ...options.env } });
  return { ...platform, cwd, run };
}

/** A deployment to put into the platform's state. */
export const hello = {
  service: 'hello',
  image: 'hello:latest',
  namespace: 'openfaas-fn',
  labels: {},
  annotations: { topic: 'a' },
};
