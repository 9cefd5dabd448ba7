import { readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { listBelongings, removeBelongings } from './belongings.ts';
import { Journal } from './journal.ts';
import { killGroup } from './kill-group.ts';
import { Keeper } from './keeper.ts';
import { KeeperServer } from './keeper-server.ts';
import { readKeeperSelf } from './keeper-self.ts';
import { KeeperWatch } from './keeper-watch.ts';
import { isRunning, readBootId } from './process-identity.ts';
import { type KeeperConfig, keeperFiles, keeperVersion } from './protocol.ts';
import { sweepLeftovers } from './sweep-leftovers.ts';

/**
 * The keeper: spawns, reaps and stops every program for one platform and outlives it for a while. Started detached by
 * the platform with one JSON argument, {@link KeeperConfig}; the nonce is read from its 0700 directory.
 */
async function main(): Promise<void> {
  const config = JSON.parse(process.argv[2] ?? '{}') as KeeperConfig;
  const file = (name: string): string => join(config.directory, name);
  const bootId = readBootId();
  const socketPath = file(keeperFiles.socket);
  if (await answers(socketPath)) process.exit(3);
  const journal = new Journal(file(keeperFiles.records));
  const before = readKeeperSelf(config.directory);
  const watch = new KeeperWatch(config);
  // What the guard of the keeper before would do is done here and now.
  const guard = before?.bootId === bootId ? before.guard : undefined;
  if (guard !== undefined && isRunning(guard)) killGroup(guard.pid);
  await sweepLeftovers(journal, bootId);

  let ending = false;
  const end = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    // In one go: whatever a platform makes that comes from now on is not in the list.
    const belongings = server.hasPlatform ? undefined : listBelongings(config.places);
    server.close();
    await keeper.killAll();
    if (belongings !== undefined) await removeBelongings(belongings);
    await watch.close();
    server.hangUp();
    process.exit(0);
  };
  const server = new KeeperServer({
    nonce: readFileSync(file(keeperFiles.nonce), 'utf8'),
    hello: { version: keeperVersion, bootId, pid: process.pid },
    orphanMs: config.orphanMs,
    onEnd: () => void end(),
  });
  const keeper = new Keeper(config, journal, (event) => server.tell(event));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end());

  rmSync(socketPath, { force: true });
  await server.listen(socketPath, keeper);
}

/** Whether a living keeper listens there; a socket file alone may be a dead one's. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

await main();
