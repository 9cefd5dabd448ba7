import type { Instance } from '../model/instance.ts';
import type { RevisionId } from '../model/names.ts';
import { instanceChanged, notice } from '../observe/channels.ts';
import type { InstanceChange } from './engine.ts';

/** Ended instances stay visible this long, at most so many per revision. */
const keepEndedMs = 5 * 60_000;
const keepEndedPerRevision = 10;

type Listener = (change: InstanceChange) => void;

/** The one place instances are written; every write reaches the watchers. */
export class InstanceTable {
  readonly #now: () => number;
  readonly #living = new Map<string, Instance>();
  /** The living ones again: with a thousand revisions each of them is looked at whenever a start is over. */
  readonly #byRevision = new Map<RevisionId, Map<string, Instance>>();
  readonly #listeners = new Set<Listener>();
  #starting = 0;
  #ended: { readonly instance: Instance; readonly atMs: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  get(id: string): Instance | undefined {
    return this.#living.get(id);
  }

  ofRevision(revision: RevisionId): readonly Instance[] {
    return [...(this.#byRevision.get(revision)?.values() ?? [])];
  }

  get starting(): number {
    return this.#starting;
  }

  all(): readonly Instance[] {
    this.#forgetOld();
    return [...this.#ended.map((entry) => entry.instance), ...this.#living.values()];
  }

  set(instance: Instance): void {
    this.#starting += count(instance) - count(this.#living.get(instance.id));
    if (instance.state === 'stopped' || instance.state === 'failed') {
      this.#forget(instance);
      this.#ended.push({ instance, atMs: this.#now() });
      this.#trim(instance.revision);
    } else this.#keep(instance);
    for (const listener of this.#listeners) tell(listener, { instance });
    instanceChanged.publish(instance);
  }

  watch(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #keep(instance: Instance): void {
    const { id, revision } = instance;
    this.#living.set(id, instance);
    const siblings = this.#byRevision.get(revision) ?? new Map<string, Instance>();
    this.#byRevision.set(revision, siblings.set(id, instance));
  }

  #forget({ id, revision }: Instance): void {
    this.#living.delete(id);
    const siblings = this.#byRevision.get(revision);
    siblings?.delete(id);
    if (siblings?.size === 0) this.#byRevision.delete(revision);
  }

  #trim(revision: RevisionId): void {
    this.#forgetOld();
    const same = this.#ended.filter((entry) => entry.instance.revision === revision);
    if (same.length > keepEndedPerRevision) this.#ended = this.#ended.filter((entry) => entry !== same[0]);
  }

  #forgetOld(): void {
    const oldest = this.#now() - keepEndedMs;
    this.#ended = this.#ended.filter((entry) => entry.atMs >= oldest);
  }
}

function count(instance: Instance | undefined): number {
  return instance?.state === 'starting' ? 1 : 0;
}

/** A watcher that throws harms neither the engine nor the others. */
function tell(listener: Listener, change: InstanceChange): void {
  try {
    listener(change);
  } catch (error) {
    notice.publish({ level: 'error', part: 'engine', message: `a watcher of instances failed: ${String(error)}` });
  }
}
