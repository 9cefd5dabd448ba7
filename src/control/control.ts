/**
 * Brings what runs in line with what the store says. It owns the order of a rollout, the routes, and what of the past
 * is kept. It does not own counts (the scaler does), processes (the engine) or the wish itself (the API writes it).
 *
 * 1. It acts on the store alone: whatever is cut off goes on at the next start from the records.
 * 2. One function is worked on by one task at a time; different functions side by side.
 * 3. Every write carries the version it was decided on; a conflict means deciding anew.
 */
import type { Builder } from '../builder/builder.ts';
import type { Engine, InstanceChange } from '../engine/engine.ts';
import type { Identities } from '../identity/identities.ts';
import { TinderboxError } from '../model/errors.ts';
import { parseRevisionId, type RevisionId } from '../model/names.ts';
import { recordFolders } from '../model/record-keys.ts';
import { notice } from '../observe/channels.ts';
import type { Router } from '../router/router.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { createMirror } from '../store/mirror.ts';
import type { Change, Store } from '../store/store.ts';
import { actOnStep, type StepParts, settleLeaving } from './act-on-step.ts';
import { collectArtifacts } from './collect-artifacts.ts';
import { decidePlan } from './decide-plan.ts';
import { type InForce, observeFunction, type Records } from './function-observer.ts';
import { createKeyedQueue, type KeyedQueue } from './keyed-queue.ts';
import { ObservedRevisions } from './observed-revisions.ts';
import type { RevisionScaler } from './revision-scaler.ts';
import { type RolloutLimits, resolveRolloutLimits } from './rollout-limits.ts';

export interface Control {
  /** Takes over from the store; resolves when every function was looked at once and what can serve is routed. */
  start(): Promise<void>;
  /** Stops deciding; what runs is left as it is. Idempotent. */
  close(): Promise<void>;
}

export interface ControlOptions {
  readonly store: Store;
  readonly builder: Pick<Builder, 'artifact' | 'collect'>;
  readonly secrets: Pick<Secrets, 'get'>;
  /** Undefined where the platform cannot change users. */
  readonly identities: Identities | undefined;
  /** Started before control is. */
  readonly engine: Pick<Engine, 'apply' | 'remove' | 'logs' | 'instances' | 'watch'>;
  readonly scaler: RevisionScaler;
  readonly router: Pick<Router, 'setRoute' | 'removeRoute' | 'route' | 'load'>;
  /** Deletes the logs of a function that was removed long ago. */
  readonly removeLogs?: (namespace: string, name: string) => Promise<void>;
  readonly limits?: Partial<RolloutLimits>;
  /** Milliseconds since the epoch, never going back. */
  readonly now?: () => number;
}

/** Functions worked on side by side. */
const concurrency = 16;
/** A plan that does not come to rest within so many steps goes on later, so that no function starves the others. */
const maxSteps = 50;
const retryMs = 1_000;

export function createControl(options: ControlOptions): Control {
  return new RolloutLoop(options);
}

class RolloutLoop implements Control {
  readonly #options: ControlOptions;
  readonly #limits: RolloutLimits;
  readonly #now: () => number;
  readonly #observed: ObservedRevisions;
  readonly #inForce = new Map<RevisionId, InForce>();
  readonly #released = new Set<string>();
  readonly #queue: KeyedQueue;
  readonly #timers: NodeJS.Timeout[] = [];
  #unwatch: () => void = () => undefined;
  #records: Records | undefined;
  #closed = false;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#limits = resolveRolloutLimits(options.limits);
    this.#now = options.now ?? (() => performance.timeOrigin + performance.now());
    this.#observed = new ObservedRevisions(this.#now);
    this.#queue = createKeyedQueue((key) => this.#reconcile(key), concurrency);
  }

  async start(): Promise<void> {
    const { store, engine } = this.#options;
    this.#unwatch = engine.watch((change) => this.#instanceChanged(change));
    for (const instance of engine.instances()) this.#instanceChanged({ instance });
    const follow = (change: Change): void => {
      const key = functionOf(change.key);
      this.#routeAtOnce(key);
      this.#queue.add(key);
    };
    const [functions, revisions, retired] = await Promise.all([
      createMirror(store, recordFolders.functions, follow),
      createMirror(store, recordFolders.revisions, follow),
      createMirror(store, recordFolders.retired),
    ]);
    this.#records = { functions, revisions, retired };
    this.#every(this.#limits.resyncMs, () => this.#resync());
    this.#every(this.#limits.collectMs, () => void this.#collect());
    this.#resync();
    await this.#queue.idle();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#unwatch();
    for (const timer of this.#timers) clearInterval(timer);
    for (const mirror of Object.values(this.#records ?? {})) mirror.close();
    await this.#queue.close();
  }

  #every(ms: number, run: () => void): void {
    const timer = setInterval(run, ms);
    timer.unref();
    this.#timers.push(timer);
  }

  #resync(): void {
    for (const mirror of Object.values(this.#records ?? {})) {
      for (const { key } of mirror.all()) this.#queue.add(functionOf(key));
    }
    for (const { revision } of this.#options.engine.instances()) this.#addRevision(revision);
  }

  #instanceChanged({ instance }: InstanceChange): void {
    this.#observed.observe(instance);
    settleLeaving(instance.revision, { inForce: this.#inForce, observed: this.#observed });
    this.#addRevision(instance.revision);
  }

  #addRevision(revision: RevisionId): void {
    const { namespace, name } = parseRevisionId(revision);
    this.#queue.add(`${namespace}/${name}`);
  }

  /**
   * Setting a route waits for nothing, so it does not wait behind other functions either: whoever was told that a first
   * deploy is accepted may call at once.
   */
  #routeAtOnce(key: string): void {
    if (this.#records === undefined) return;
    const [of, parts] = [nameOf(key), this.#parts(this.#records)];
    const { step } = decidePlan(observeFunction(of.namespace, of.name, parts), this.#limits);
    // What goes wrong here goes wrong again, and is told, when its turn comes.
    if (step?.kind === 'route') actOnStep(step, of, parts).catch(() => undefined);
  }

  async #reconcile(key: string): Promise<void> {
    const records = this.#records;
    if (records === undefined) return;
    const of = nameOf(key);
    const parts = this.#parts(records);
    try {
      for (let count = 0; count < maxSteps; count += 1) {
        if (this.#closed) return;
        const plan = decidePlan(observeFunction(of.namespace, of.name, parts), this.#limits);
        if (plan.step === undefined) {
          if (plan.againMs !== undefined) this.#queue.addAfter(key, plan.againMs);
          return;
        }
        await actOnStep(plan.step, of, parts);
      }
      this.#queue.addAfter(key, retryMs);
    } catch (reason) {
      this.#failed(key, TinderboxError.from(reason));
    }
  }

  #failed(key: string, error: TinderboxError): void {
    if (this.#closed) return;
    // The change that was in the way comes with the watch; the appointment is for the case that it came before.
    this.#queue.addAfter(key, error.code === 'conflict' ? 10 : retryMs);
    if (error.code === 'conflict') return;
    notice.publish({ level: 'error', part: 'control', message: `rollout of ${key}: ${error.message}` });
  }

  #parts(records: Records): StepParts & { readonly router: ControlOptions['router'] } {
    const { builder, secrets, identities, engine, scaler, router, removeLogs } = this.#options;
    return {
      records,
      observed: this.#observed,
      inForce: this.#inForce,
      released: this.#released,
      builder,
      secrets,
      identities,
      engine,
      scaler,
      router,
      removeLogs: removeLogs ?? (async () => undefined),
      now: this.#now,
    };
  }

  async #collect(): Promise<void> {
    if (this.#records === undefined || this.#closed) return;
    await collectArtifacts(this.#options.builder, this.#records.revisions);
  }
}

function nameOf(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** `NAMESPACE/NAME` of a record's key: `functions/ns/f`, `revisions/ns/f/00001`, `retired/ns/f`. */
function functionOf(key: string): string {
  const [, namespace = '', name = ''] = key.split('/');
  return `${namespace}/${name}`;
}
