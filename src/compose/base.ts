import { join } from 'node:path';
import { createBuilder } from '../builder/create-builder.ts';
import type { Config } from '../config/config.ts';
import { claimRange } from '../identity/claim-range.ts';
import { createIdentities, type IdentityRange } from '../identity/stored-identities.ts';
import { createSandbox } from '../sandbox/create-sandbox.ts';
import { assertPassable } from '../sandbox/passable.ts';
import { assertUnshared } from '../sandbox/unshared.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { createDrain } from './drain-time.ts';
import { lockFolder } from '../store/lock.ts';
import { makeFolder } from '../store/make-folder.ts';
import type { Store } from '../store/store.ts';
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts';

/** What survives a restart, and the walls. */
export async function startBase(config: Config, stack: AsyncDisposableStack) {
  const lock = await lockFolder(config.stateDir);
  stack.defer(() => lock.release());
  makeFolder({ what: 'run folder', dir: config.runDir, mode: 0o711, flag: '--run-dir' });
  const store = await createSqliteStore({ file: join(config.stateDir, 'tinderbox.db') });
  stack.defer(() => store.close());
  const secrets = await createSecrets({ store, keyFile: config.keyFile });
  const sandbox = await createSandbox(config);
  stack.defer(() => sandbox.close());
  if (sandbox.abilities.root) {
    assertPassable('runDir', config.runDir);
    assertUnshared('runDir', config.runDir);
  }
  const identities = createIdentities(store, sandbox.abilities.root ? await claimUids(config, store) : config.uids);
  const builder = await createBuilder({
    runDir: config.runDir,
    stateDir: config.stateDir,
    store,
    sandbox,
    identities,
    build: config.build,
  });
  stack.defer(() => builder.close());
  return { store, secrets, sandbox, identities, builder, drain: createDrain() };
}

function claimUids({ stateDir, uids, uidsGiven }: Config, store: Store): Promise<IdentityRange> {
  return claimRange({ dir: '/run/tinderbox-uids', stateDir, store, wanted: uidsGiven ? uids : undefined, usual: uids });
}

export type Base = Awaited<ReturnType<typeof startBase>>;
