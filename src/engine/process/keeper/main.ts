import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Journal } from './journal.ts';
import { Keeper } from './keeper.ts';
import { KeeperServer } from './keeper-server.ts';
import { readBootId, readStartTime } from './process-identity.ts';
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
  await sweepLeftovers(journal, bootId);

  let ending = false;
  const end = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    server.close();
    await keeper.killAll();
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

  const self = { bootId, pid: process.pid, startTime: readStartTime(process.pid), version: keeperVersion };
  writeFileSync(file(keeperFiles.self), JSON.stringify(self), { mode: 0o600 });
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
