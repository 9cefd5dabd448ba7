import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, constants, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TinderboxError } from '../../model/errors.ts';
import { KeeperClient } from './keeper-client.ts';
import { killGroup } from './keeper/kill-group.ts';
import { readKeeperSelf } from './keeper/keeper-self.ts';
import { isRunning, readBootId } from './keeper/process-identity.ts';
import { type KeeperConfig, keeperFiles, keeperVersion } from './keeper/protocol.ts';

/** A new keeper listens in well under a second; a machine in distress gets more. */
const launchTimeoutMs = 10_000;
const helloTimeoutMs = 10_000;
/** A platform that was killed this moment may still be letting go of its keeper. */
const busyTimeoutMs = 2000;
/** Keeps the process small: its work is short-lived buffers. */
const keeperFlags = ['--max-old-space-size=64', '--max-semi-space-size=1'];

export interface KeeperLaunch extends KeeperConfig {
  /** Node binary and the keeper's entry as plain JavaScript. */
  readonly node: string;
  readonly main: string;
}

export interface KeeperConnection {
  readonly client: KeeperClient;
  /** Whether it was running already, with programs to adopt. */
  readonly found: boolean;
}

/**
 * Finds the keeper of this `runDir` or starts one. Throws `conflict` when another platform holds it. A keeper that
 * speaks another version is ended with its programs; one that does not answer is killed.
 */
export async function connectKeeper(launch: KeeperLaunch): Promise<KeeperConnection> {
  mkdirSync(launch.directory, { recursive: true, mode: 0o700 });
  chmodSync(launch.directory, 0o700);
  const client = await greetKeeper(launch.directory);
  if (client !== undefined) return { client, found: true };
  return { client: await launchKeeper(launch), found: false };
}

async function greetKeeper(directory: string): Promise<KeeperClient | undefined> {
  const end = performance.now() + busyTimeoutMs;
  for (;;) {
    const client = await KeeperClient.connect(join(directory, keeperFiles.socket));
    if (client === undefined) return undefined;
    try {
      const hello = await withTimeout(
        client.request({ op: 'hello', version: keeperVersion, nonce: nonceIn(directory) }),
      );
      if (hello.version === keeperVersion) return client;
      await client.request({ op: 'shutdown' });
      await client.closed;
      return undefined;
    } catch (error) {
      client.close();
      if (!(error instanceof TinderboxError) || error.code !== 'conflict') {
        killKeeper(directory);
        return undefined;
      }
      if (performance.now() > end) throw keeperBusy(directory, error);
      await delay(50);
    }
  }
}

async function launchKeeper(launch: KeeperLaunch): Promise<KeeperClient> {
  const { node, main, ...config } = launch;
  writeFileSync(join(launch.directory, keeperFiles.nonce), randomBytes(24).toString('hex'), { mode: 0o600 });
  const { O_WRONLY, O_CREAT, O_TRUNC } = constants;
  const output = openSync(join(launch.directory, 'keeper.out'), O_WRONLY | O_CREAT | O_TRUNC, 0o600);
  let exited = false;
  try {
    const child = spawn(node, [...keeperFlags, main, JSON.stringify(config)], {
      cwd: launch.directory,
      env: {},
      detached: true,
      stdio: ['ignore', output, output],
    });
    child.once('exit', () => (exited = true)).once('error', () => (exited = true));
    child.unref();
  } finally {
    closeSync(output);
  }
  const end = performance.now() + launchTimeoutMs;
  while (!exited && performance.now() < end) {
    const client = await KeeperClient.connect(join(launch.directory, keeperFiles.socket));
    if (client !== undefined) return await greetNew(client, launch.directory);
    await delay(5);
  }
  const said = readFileSync(join(launch.directory, 'keeper.out'), 'utf8').slice(-2000);
  const what = exited ? 'ended at once' : `did not start within ${launchTimeoutMs} ms`;
  throw new TinderboxError('unavailable', `the keeper process ${what}: ${said}`);
}

async function greetNew(client: KeeperClient, directory: string): Promise<KeeperClient> {
  await client.request({ op: 'hello', version: keeperVersion, nonce: nonceIn(directory) });
  return client;
}

/** Ends a keeper that holds its socket but does not answer, if it is provably the recorded process. */
export function killKeeper(directory: string): void {
  const self = readKeeperSelf(directory);
  // No record: nothing of ours to kill. A stranger's socket makes the launch fail, with its reason.
  if (self?.bootId === readBootId() && isRunning(self)) killGroup(self.pid);
}

function keeperBusy(directory: string, cause: unknown): TinderboxError {
  return new TinderboxError('conflict', `another platform is running functions in "${directory}"`, {
    hint: 'stop it first, or give this one a run directory of its own',
    cause,
  });
}

export function nonceIn(directory: string): string {
  try {
    return readFileSync(join(directory, keeperFiles.nonce), 'utf8');
  } catch {
    return '';
  }
}

async function withTimeout<T>(promise: Promise<T>): Promise<T> {
  const abort = new AbortController();
  const late = delay(helloTimeoutMs, undefined, { signal: abort.signal }).then(() => {
    throw new TinderboxError('unavailable', `the keeper process did not answer within ${helloTimeoutMs} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    abort.abort();
    late.catch(() => undefined);
  }
}
