import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createRemains, createWorld, type Remains, type World } from '../../test/support/control-world.ts';
import type { ScriptedEngine } from '../../test/support/scripted-engine.ts';
import { until } from '../../test/support/until.ts';
import { createCatalog } from '../api/catalog.ts';
import { createFunctions, type Functions } from '../api/functions.ts';
import { parseDeployment } from '../api/parse-deployment.ts';
import { TinderboxError } from '../model/errors.ts';
import type { FunctionRecord, RevisionRecord } from '../model/function.ts';
import { parseRevisionId } from '../model/names.ts';
import type { Store } from '../store/store.ts';

type Command = 'deploy good' | 'deploy broken' | 'remove';

interface Cut {
  /** The write with this number, counted from the start of this life, is the last thing that happens. */
  readonly afterWrites: number;
  /** Whether that write reached the disk before the platform died. */
  readonly written: boolean;
  /** Whether the next life finds the instances of this one. */
  readonly adopt: boolean;
}

/** The store as one life of the platform sees it: from the cut on, nothing answers and nothing is heard. */
function cutStore(store: Store, cut: Cut | undefined): { store: Store; readonly dead: () => boolean } {
  let writes = 0;
  let dead = false;
  const gone = (): TinderboxError => new TinderboxError('unavailable', 'the platform died');
  const write = async <T>(run: () => Promise<T>): Promise<T> => {
    if (dead) throw gone();
    writes += 1;
    if (writes !== cut?.afterWrites) return run();
    dead = true;
    if (cut.written) await run();
    throw gone();
  };
  const alive = async <T>(run: () => Promise<T>): Promise<T> => (dead ? Promise.reject(gone()) : run());
  return {
    dead: () => dead,
    store: {
      get: (key) => alive(() => store.get(key)),
      list: (prefix) => alive(() => store.list(prefix)),
      put: (key, value, expected) => write(() => store.put(key, value, expected)),
      delete: (key, expected) => write(() => store.delete(key, expected)),
      watch: (prefix, listener) => store.watch(prefix, (change) => (dead ? undefined : listener(change))),
      close: async () => undefined,
    },
  };
}

interface Life {
  readonly cut: Cut | undefined;
  readonly world: World;
  readonly functions: Functions;
  readonly dead: () => boolean;
  end(): Promise<void>;
}

async function beginLife(remains: Remains, cut: Cut | undefined, engine: ScriptedEngine | undefined): Promise<Life> {
  const { store, dead } = cutStore(remains.store, cut);
  const world = createWorld(remains, { store, ...(engine === undefined ? {} : { engine }) });
  const catalog = await createCatalog(store);
  const functions = createFunctions({
    ...remains,
    store,
    catalog,
    builder: { ...remains.images.builder, build: async () => Promise.reject(new TinderboxError('unsupported', 'no')) },
    engine: world.engine,
    scaler: world.scaler,
    stopping: new AbortController().signal,
  });
  await world.control.start();
  const end = async (): Promise<void> => {
    catalog.close();
    await world.control.close();
    world.scaler.close();
  };
  return { cut, world, functions, dead, end };
}

/** Resolves with whether the command was accepted. */
async function run(command: Command, count: number, { functions }: Life, remains: Remains): Promise<boolean> {
  try {
    if (command === 'remove') {
      await functions.remove('openfaas-fn', 'f');
      return true;
    }
    const image = `${command.slice(7)}:${count}`;
    remains.images.add(image);
    const spec = parseDeployment({ service: 'f', image }, undefined);
    await functions.update(spec).catch((error: unknown) => {
      if (!(error instanceof TinderboxError) || error.code !== 'not-found') throw error;
      return functions.create(spec);
    });
    return true;
  } catch (error) {
    assert.ok(error instanceof TinderboxError && ['unavailable', 'not-found'].includes(error.code), String(error));
    return false;
  }
}

async function read(remains: Remains): Promise<{ record: FunctionRecord | undefined; revisions: RevisionRecord[] }> {
  const record = (await remains.store.get('functions/openfaas-fn/f'))?.value as FunctionRecord | undefined;
  const revisions = (await remains.store.list('revisions/')).map(({ value }) => value as RevisionRecord);
  return { record, revisions };
}

/** Undefined when everything is as the store says, otherwise what is not. */
async function difference({ world }: Life, remains: Remains): Promise<string | undefined> {
  const { record, revisions } = await read(remains);
  const routed = world.router.route('f.openfaas-fn')?.revision;
  const live = new Set(world.engine.live().map(({ revision }) => revision));
  if (record === undefined) {
    if (routed !== undefined) return 'a deleted function is routed';
    return live.size > 0 ? 'a deleted function runs' : undefined;
  }
  const accepted = revisions.filter(({ id }) => parseRevisionId(id).number <= record.latest);
  const latest = accepted.find(({ id }) => parseRevisionId(id).number === record.latest);
  if (latest === undefined) return 'the newest revision is not there';
  if (accepted.some(({ state }) => state === 'pending')) return 'a revision is pending';
  if (latest.state === 'ready' && record.serving !== latest.id)
    return 'the newest revision is ready but does not serve';
  if (routed !== (record.serving ?? latest.id)) return `calls go to ${routed}`;
  if ([...live].some((id) => id !== record.serving)) return 'something else runs';
  return accepted.length > 3 ? 'too many revisions are kept' : undefined;
}

const command: fc.Arbitrary<Command> = fc.constantFrom('deploy good', 'deploy good', 'deploy broken', 'remove');
const cut = fc.record({ afterWrites: fc.integer({ min: 1, max: 14 }), written: fc.boolean(), adopt: fc.boolean() });

test('whatever write the platform dies at, and however often, it comes to what was last accepted', async () => {
  let deaths = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { minLength: 1, maxLength: 5 }),
      fc.array(cut, { maxLength: 3 }),
      async (commands, cuts) => {
        const remains = createRemains();
        const pending = [...cuts];
        let life = await beginLife(remains, pending.shift(), undefined);
        let wish: string | undefined;
        let maybe: (string | undefined)[] = [];
        const reborn = async (): Promise<void> => {
          const { engine } = life.world;
          const adopt = life.cut?.adopt === true;
          deaths += 1;
          await life.end();
          if (!adopt) await engine.close();
          life = await beginLife(remains, pending.shift(), adopt ? engine : undefined);
        };
        try {
          for (const [index, each] of commands.entries()) {
            const target = each === 'remove' ? undefined : `${each.slice(7)}:${index}`;
            if (await run(each, index, life, remains)) [wish, maybe] = [target, []];
            else if (life.dead()) maybe.push(target);
            if (life.dead()) await reborn();
          }
          for (let i = 0; i <= cuts.length; i += 1) {
            await until('rest or death', async () => life.dead() || (await difference(life, remains)) === undefined);
            if (life.dead()) await reborn();
          }
          await until(
            `rest: ${await difference(life, remains)}`,
            async () => (await difference(life, remains)) === undefined,
            3_000,
          );
          const { record, revisions } = await read(remains);
          assert.ok(
            [wish, ...maybe].includes(record?.spec.image),
            `${record?.spec.image} is not what was accepted last`,
          );
          const serving = revisions.find(({ id }) => id === record?.serving);
          assert.ok(serving === undefined || serving.spec.image.startsWith('good'), 'a broken revision serves');
        } finally {
          await life.end();
          await life.world.engine.close();
        }
      },
    ),
    { numRuns: 200, endOnFailure: true },
  );
  assert.ok(deaths > 50, `only ${deaths} cuts were reached`);
});
