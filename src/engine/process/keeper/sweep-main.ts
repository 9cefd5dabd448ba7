import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { listBelongings, removeBelongings } from './belongings.ts';
import { Journal } from './journal.ts';
import { readKeeperSelf } from './keeper-self.ts';
import { isProvablyOver, readBootId, sameProcess } from './process-identity.ts';
import { type SweepOrder, keeperFiles } from './protocol.ts';
import { sweepLeftovers } from './sweep-leftovers.ts';

const lookIntervalMs = 500;
/** Of the time instances are held without a platform; what is left of it is for the killing. */
const aloneShare = 2 / 3;

/**
 * Cleans up after a keeper that was killed; started by its watch with a {@link SweepOrder} in `ORDER`.
 *
 * 1. The programs of dead keepers are killed at once, as nobody can adopt them; those of a living one never.
 * 2. If a new keeper comes, there is a platform, and it cleans up itself. If none does for `aloneShare` of `orphanMs`,
 *    all that is left is removed: what was listed before a last look that found no new keeper is nobody's, for a
 *    platform makes nothing before it has a keeper.
 */
async function main(): Promise<void> {
  const { config, keeper } = JSON.parse(process.env['ORDER'] ?? '{}') as SweepOrder;
  const isTakenOver = (): boolean => {
    const last = readKeeperSelf(config.directory);
    return last !== undefined && !sameProcess(last, keeper);
  };
  const journal = new Journal(join(config.directory, keeperFiles.records));
  await sweepLeftovers(journal, readBootId(), ({ keeper: holder }) => {
    return sameProcess(holder, keeper) || isProvablyOver(holder);
  });
  const end = performance.now() + config.orphanMs * aloneShare;
  while (performance.now() < end) {
    if (isTakenOver()) return;
    await delay(lookIntervalMs);
  }
  const belongings = listBelongings(config.places);
  if (!isTakenOver()) await removeBelongings(belongings);
}

await main();
