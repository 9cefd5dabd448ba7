/**
 * Keeps what runs equal to the triggers in the store.
 *
 * Owns: one pump per trigger with messages, the schedules of the others, and the end of triggers whose function is gone. Does
 * not own what triggers mean (sources/, schedule/) nor who may change them (the API does).
 * 1. What runs follows from the store alone, however often and in whatever order it changes.
 * 2. A trigger runs once here: a changed one only after what was before has come to its end.
 * 3. A trigger is gone with its function, never with one that was made under the same name later.
 * 4. What a trigger made at a broker goes with the trigger, not with a pause or a stop of the platform.
 */
import { TinderboxError } from '../../model/errors.ts';
import type { FunctionRecord } from '../../model/function.ts';
import { formatFunctionRecordKey, recordFolders } from '../../model/record-keys.ts';
import { formatTriggerKey, type SourceStatus, type TriggerRecord, type TriggerSpec } from '../../model/trigger.ts';
import { notice } from '../../observe/channels.ts';
import type { Store } from '../../store/store.ts';
import { followRecords } from '../follow-records.ts';
import type { Scheduler } from '../schedule/scheduler.ts';
import { createPump, type Pump, type PumpOptions } from '../sources/pump.ts';
import type { Source } from '../sources/source.ts';
import { annotationTriggers } from './annotation-triggers.ts';
import { schedulesOf } from './trigger-schedules.ts';

export interface TriggerHostOptions {
  readonly store: Pick<Store, 'list' | 'watch' | 'delete'>;
  readonly scheduler: Pick<Scheduler, 'set'>;
  /** Whether the platform has a NATS server of its own, whose topics annotations name. */
  readonly nats: boolean;
  /** The source of a trigger with messages. */
  readonly sourceOf: (spec: TriggerSpec, tell: (message: string) => void) => Source;
  readonly call: (spec: TriggerSpec) => PumpOptions['call'];
  readonly bury: (spec: TriggerSpec) => PumpOptions['bury'];
  /** How long calls under way may take when a trigger is changed, in ms. */
  readonly drainMs: number;
}

export interface TriggerHost {
  /** How the source of a trigger (`namespace/name`) fares; undefined: none runs. */
  status(key: string): Promise<SourceStatus | undefined>;
  /** Of all that run, with their functions. */
  running(): readonly { readonly key: string; readonly spec: TriggerSpec }[];
  /** Stops all; waits for calls under way until the signal aborts. Idempotent. */
  close(signal: AbortSignal): Promise<void>;
}

/** Follows the store from now on. */
export async function createTriggerHost(options: TriggerHostOptions): Promise<TriggerHost> {
  const host = new StoredTriggers(options);
  await host.start();
  return host;
}

interface Running {
  /** The specification as text, to tell whether it changed. */
  readonly text: string;
  readonly spec: TriggerSpec;
  readonly pump: Pump;
}

interface Slot {
  wanted: TriggerSpec | undefined;
  running: Running | undefined;
  busy: Promise<void> | undefined;
  /** What was made at a broker for a specification that is no more. */
  readonly leftovers: TriggerSpec[];
}

interface Stored {
  readonly spec: TriggerSpec;
  readonly version: number;
}

class StoredTriggers implements TriggerHost {
  readonly #options: TriggerHostOptions;
  readonly #functions = new Map<string, readonly TriggerSpec[]>();
  readonly #stored = new Map<string, Stored>();
  readonly #slots = new Map<string, Slot>();
  readonly #stops: (() => void)[] = [];
  #closing: AbortSignal | undefined;
  #started = false;

  constructor(options: TriggerHostOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { store } = this.#options;
    this.#stops.push(
      await followRecords(store, recordFolders.functions, (...change) => this.#functionChanged(...change)),
    );
    this.#stops.push(
      await followRecords(store, recordFolders.triggers, (...change) => this.#triggerChanged(...change)),
    );
    this.#started = true;
    for (const [key, { spec, version }] of this.#stored) {
      if (this.#functions.has(functionKey(spec))) this.#refresh(spec);
      else this.#remove(key, version);
    }
  }

  async status(key: string): Promise<SourceStatus | undefined> {
    return await this.#slots.get(key)?.running?.pump.status();
  }

  running(): readonly { readonly key: string; readonly spec: TriggerSpec }[] {
    return [...this.#slots].flatMap(([key, { running }]) =>
      running === undefined ? [] : [{ key, spec: running.spec }],
    );
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#closing = signal;
    for (const stop of this.#stops) stop();
    const ends = [...this.#slots.values()].map(async (slot) => {
      slot.wanted = undefined;
      await this.#settle(slot);
    });
    await Promise.all(ends);
  }

  #functionChanged(key: string, value: unknown, version: number): void {
    const record = value as FunctionRecord | undefined;
    const before = this.#functions.get(key) ?? [];
    const wasThere = this.#functions.has(key);
    const after = record === undefined ? [] : this.#annotated(record);
    if (record === undefined) this.#functions.delete(key);
    else this.#functions.set(key, after);
    const kept = new Set(after.map(({ name }) => name));
    for (const spec of after) this.#want(spec, spec);
    for (const spec of before) if (!kept.has(spec.name)) this.#want(spec, undefined);
    if (!this.#started || (wasThere && record !== undefined)) return;
    for (const [triggerKey, stored] of this.#stored) {
      if (functionKey(stored.spec) !== key) continue;
      if (record !== undefined) this.#refresh(stored.spec);
      else if (stored.version < version) this.#remove(triggerKey, stored.version);
    }
  }

  /** Schedules of annotations are the concern of schedule/. */
  #annotated({ spec }: FunctionRecord): readonly TriggerSpec[] {
    return annotationTriggers(spec, this.#options.nats).filter(({ kind }) => kind !== 'schedule');
  }

  #triggerChanged(key: string, value: unknown, version: number): void {
    const before = this.#stored.get(key);
    if (value === undefined) {
      this.#stored.delete(key);
      if (before === undefined) return;
      this.#options.scheduler.set(ownerOf(before.spec), []);
      this.#want(before.spec, undefined, before.spec);
      return;
    }
    const { spec } = value as TriggerRecord;
    this.#stored.set(key, { spec, version });
    if (before !== undefined && before.spec.kind !== spec.kind) {
      this.#options.scheduler.set(ownerOf(before.spec), []);
      this.#want(before.spec, undefined, before.spec);
    }
    const moved = before !== undefined && placeOf(before.spec) !== placeOf(spec);
    if (this.#started) this.#refresh(spec, moved ? before.spec : undefined);
  }

  /** Does what a stored trigger asks for, if its function is there. */
  #refresh(spec: TriggerSpec, leftover?: TriggerSpec): void {
    const isThere = this.#functions.has(functionKey(spec));
    if (spec.kind === 'schedule') return this.#schedule(spec, isThere);
    this.#want(spec, isThere && !spec.paused ? spec : undefined, leftover);
  }

  #schedule(spec: TriggerSpec, isThere: boolean): void {
    try {
      this.#options.scheduler.set(ownerOf(spec), isThere ? schedulesOf(spec) : []);
    } catch (reason) {
      tell(spec, TinderboxError.from(reason).message);
    }
  }

  /** `at` says which trigger is meant. */
  #want(at: TriggerSpec, wanted: TriggerSpec | undefined, leftover?: TriggerSpec): void {
    if (at.kind === 'schedule' && leftover?.kind !== 'nats') return;
    const key = formatTriggerKey(at);
    const slot = this.#slots.get(key) ?? { wanted: undefined, running: undefined, busy: undefined, leftovers: [] };
    this.#slots.set(key, slot);
    slot.wanted = wanted;
    if (leftover?.nats?.stream !== undefined) slot.leftovers.push(leftover);
    void this.#settle(slot).then(() => {
      if (slot.running === undefined && slot.wanted === undefined && this.#slots.get(key) === slot)
        this.#slots.delete(key);
    });
  }

  #settle(slot: Slot): Promise<void> {
    slot.busy ??= this.#change(slot).finally(() => {
      slot.busy = undefined;
    });
    return slot.busy;
  }

  async #change(slot: Slot): Promise<void> {
    for (;;) {
      const { running, wanted } = slot;
      if (running !== undefined && running.text !== textOf(wanted)) {
        slot.running = undefined;
        await running.pump.close(this.#closing ?? AbortSignal.timeout(this.#options.drainMs));
      } else if (running === undefined && slot.leftovers.length > 0 && this.#closing === undefined) {
        // Before what comes after it: that may go by the same name at the broker.
        for (const leftover of slot.leftovers.splice(0)) await this.#forget(leftover);
      } else if (running === undefined && wanted !== undefined) slot.running = this.#run(wanted);
      else return;
    }
  }

  #run(spec: TriggerSpec): Running {
    const { sourceOf, call, bury } = this.#options;
    const say = (message: string): void => tell(spec, message);
    const pump = createPump({
      source: sourceOf(spec, say),
      settings: spec.delivery ?? unknownDelivery(spec),
      call: call(spec),
      bury: bury(spec),
      tell: say,
      random: Math.random,
    });
    return { text: textOf(spec) ?? '', spec, pump };
  }

  async #forget(spec: TriggerSpec): Promise<void> {
    try {
      await this.#options.sourceOf(spec, () => undefined).forget();
    } catch (reason) {
      tell(spec, `what it made at its broker stays there: ${TinderboxError.from(reason).message}`);
    }
  }

  #remove(key: string, version: number): void {
    this.#options.store.delete(key, version).catch((reason: unknown) => {
      const { code, message } = TinderboxError.from(reason);
      // Somebody wrote it anew.
      if (code === 'conflict') return;
      notice.publish({ level: 'warn', part: 'events', message: `${key} stays without its function: ${message}` });
    });
  }
}

function functionKey({ namespace, function: name }: TriggerSpec): string {
  return formatFunctionRecordKey(namespace, name);
}

function ownerOf(spec: TriggerSpec): string {
  return `trigger ${formatTriggerKey(spec)}`;
}

/** Where a trigger has what it made at a broker. */
function placeOf({ nats }: TriggerSpec): string {
  return JSON.stringify([nats?.servers, nats?.stream, nats?.durable]);
}

function textOf(spec: TriggerSpec | undefined): string | undefined {
  return spec === undefined ? undefined : JSON.stringify(spec);
}

function tell(spec: TriggerSpec, message: string): void {
  notice.publish({ level: 'warn', part: 'events', message: `trigger ${formatTriggerKey(spec)}: ${message}` });
}

function unknownDelivery(spec: TriggerSpec): never {
  throw new TinderboxError('internal', `trigger ${formatTriggerKey(spec)} has no delivery settings`);
}
