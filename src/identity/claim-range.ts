import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { TinderboxError } from '../model/errors.ts';
import { notice } from '../observe/channels.ts';
import { holdFile } from '../store/lock.ts';
import type { Store } from '../store/store.ts';
import type { IdentityRange } from './stored-identities.ts';

/** Ids that belong to one data folder. */
interface Claim extends IdentityRange {
  readonly stateDir: string;
}

export interface ClaimOptions {
  /** Folder of this machine with one file for each claim; made (0700) when absent, and empty after a boot. */
  readonly dir: string;
  /** Data folder the ids are for, which is locked by this process. */
  readonly stateDir: string;
  /** Of that data folder: remembers its range. */
  readonly store: Store;
  /** Asked for by the operator; undefined: the range this data folder has, or else the first that is nobody's. */
  readonly wanted: IdentityRange | undefined;
  /** Where to begin to look; others of this size follow it. */
  readonly usual: IdentityRange;
}

const rangeKey = 'identities/range';
const greatestId = 0x7fff_fffe;
/** Others hold the claims for as long as it takes to read a few small files. */
const turnMs = 10_000;

/**
 * Claims user ids for the functions of a data folder, so that two platforms of one machine never give the same id to two
 * functions. A claim lasts as long as its data folder, also while its platform is stopped. Rejects with `conflict`, naming
 * the flag and the other data folder, when the range that is wanted, or was given out from before, overlaps another claim.
 */
export async function claimRange(options: ClaimOptions): Promise<IdentityRange> {
  const { store, wanted, usual } = options;
  const remembered = await store.get(rangeKey);
  // Of a data folder from before ranges were claimed.
  const grown = (await store.get('identities/next')) === undefined ? undefined : usual;
  const fixed = wanted ?? (remembered?.value as IdentityRange | undefined) ?? grown;
  const range = claim(options, fixed);
  await store.put(rangeKey, range, remembered?.version ?? 0);
  return range;
}

function claim({ dir, stateDir, usual }: ClaimOptions, fixed: IdentityRange | undefined): IdentityRange {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    const message = `user ids are not kept apart from those of other platforms: ${dir} cannot be made`;
    notice.publish({ level: 'warn', part: 'identity', message, details: { error } });
    return fixed ?? usual;
  }
  const turn = takeTurn(dir);
  try {
    const own = realpathSync(stateDir);
    const others = livingClaims(dir).filter((other) => other.stateDir !== own);
    const { first, last } = fixed ?? firstFree(usual, others);
    const rival = others.find((other) => overlaps(other, { first, last }));
    if (rival !== undefined) throw taken({ first, last }, rival);
    writeClaim(dir, { first, last, stateDir: own });
    return { first, last };
  } finally {
    turn.close();
  }
}

function takeTurn(dir: string): { close(): void } {
  try {
    return holdFile(join(dir, 'turn.lock'), turnMs);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TinderboxError('unavailable', `user ids cannot be claimed in ${dir}: ${why}`, { cause });
  }
}

/** Claims of data folders that are there; the others are cleared away. */
function livingClaims(dir: string): readonly Claim[] {
  return readdirSync(dir).flatMap((name) => {
    if (!name.endsWith('.json')) return [];
    const claimed = readClaim(join(dir, name));
    if (claimed !== undefined && existsSync(join(claimed.stateDir, 'platform.lock'))) return [claimed];
    rmSync(join(dir, name), { force: true });
    return [];
  });
}

/** Undefined for one that was cut off. */
function readClaim(path: string): Claim | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Claim;
  } catch {
    return undefined;
  }
}

function writeClaim(dir: string, claimed: Claim): void {
  const path = join(dir, `${createHash('sha256').update(claimed.stateDir).digest('hex').slice(0, 16)}.json`);
  const fresh = `${path}.${randomBytes(4).toString('hex')}`;
  writeFileSync(fresh, JSON.stringify(claimed), { mode: 0o600 });
  renameSync(fresh, path);
}

function firstFree(usual: IdentityRange, claims: readonly Claim[]): IdentityRange {
  const size = usual.last - usual.first + 1;
  for (let first = usual.first; first + size - 1 <= greatestId; first += size) {
    const range = { first, last: first + size - 1 };
    if (!claims.some((claimed) => overlaps(claimed, range))) return range;
  }
  throw new TinderboxError('conflict', 'every range of user ids belongs to another platform of this machine', {
    hint: 'give one with --uids FIRST-LAST',
  });
}

function overlaps(one: IdentityRange, other: IdentityRange): boolean {
  return one.first <= other.last && other.first <= one.last;
}

function taken({ first, last }: IdentityRange, { stateDir, ...rival }: Claim): TinderboxError {
  const theirs = `${rival.first}-${rival.last} of the platform with data folder ${stateDir}`;
  return new TinderboxError('conflict', `the user ids ${first}-${last} overlap ${theirs}`, {
    hint: 'give another range with --uids FIRST-LAST, or remove that data folder if nobody needs it',
  });
}
