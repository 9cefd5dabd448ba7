import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ProcessIdentity, readBootId, readIdentity } from './process-identity.ts';
import { keeperFiles, keeperVersion } from './protocol.ts';

/** What a keeper says of itself on disk, before it takes its first program. */
export interface KeeperSelf extends ProcessIdentity {
  readonly bootId: string;
  readonly version: number;
  /** Paths it runs from. */
  readonly uses: readonly string[];
  /** Who cleans up after it. */
  readonly guard?: ProcessIdentity;
}

export function writeKeeperSelf(directory: string, guardPid: number | undefined): void {
  const guard = guardPid === undefined ? {} : { guard: readIdentity(guardPid) };
  const uses = [process.argv[1] ?? '', process.execPath];
  const self: KeeperSelf = {
    bootId: readBootId(),
    ...readIdentity(process.pid),
    version: keeperVersion,
    uses,
    ...guard,
  };
  const path = join(directory, keeperFiles.self);
  writeFileSync(`${path}.new`, JSON.stringify(self), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** The keeper that came last to this directory, dead or alive; undefined when there was none. */
export function readKeeperSelf(directory: string): KeeperSelf | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, keeperFiles.self), 'utf8')) as KeeperSelf;
  } catch {
    return undefined;
  }
}
