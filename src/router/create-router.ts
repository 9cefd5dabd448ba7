import type { CancelSignal } from '../model/cancel.ts';
import { TinderboxError } from '../model/errors.ts';
import type { Instance } from '../model/instance.ts';
import type { Invocation, Reply } from '../model/invocation.ts';
import type { FunctionKey, RevisionId } from '../model/names.ts';
import { createTransport as createTransportTo } from './create-transport.ts';
import { Exchange, type ExchangeContext } from './exchange.ts';
import { HostBudget, type RouterBudget } from './host-budget.ts';
import { type ChooseInstance, leastLoaded } from './policy.ts';
import { type CreateTransport, Pool, type PoolContext } from './pool.ts';
import type { Route, Router, RouterHooks } from './router.ts';
import { TimerWheel } from './timer-wheel.ts';

export interface RouterOptions {
  readonly hooks: RouterHooks;
  /** What all waiting calls together may take; more is refused with `host-full`. */
  readonly budget: RouterBudget;
  /** Milliseconds, monotonic; default `performance.now()`. */
  readonly now?: () => number;
  /** Default: frames or HTTP, as the instance's address says. */
  readonly createTransport?: CreateTransport;
  /** Default: least loaded. */
  readonly choose?: ChooseInstance;
  readonly wheel?: TimerWheel;
}

interface RouteEntry {
  readonly route: Route;
  readonly pool: Pool;
}

/** Brings calls to instances: one pool per revision, one route per function. */
export function createRouter(options: RouterOptions): Router {
  return new PooledRouter(options);
}

class PooledRouter implements Router {
  readonly #routes = new Map<FunctionKey, RouteEntry>();
  readonly #pools = new Map<RevisionId, Pool>();
  /** Instances announced before the route that brings their settings. */
  readonly #early = new Map<RevisionId, Map<string, Instance>>();
  readonly #context: PoolContext;
  readonly #exchanges: ExchangeContext;
  /** Who waits for an instance's last call to end. */
  readonly #waitingForIdle = new Map<string, PromiseWithResolvers<void>>();
  #closing = false;
  #drained: (() => void) | undefined;

  constructor(options: RouterOptions) {
    const now = options.now ?? (() => performance.now());
    this.#context = {
      hooks: options.hooks,
      budget: new HostBudget(options.budget),
      wheel: options.wheel ?? new TimerWheel(now),
      choose: options.choose ?? leastLoaded,
      now,
      createTransport: options.createTransport ?? ((...to) => createTransportTo(options.hooks, ...to)),
      dropped: (instanceId) => this.#dropped(instanceId),
    };
    this.#exchanges = {
      wheel: this.#context.wheel,
      now,
      ended: (pool) => this.#callEnded(pool),
      poolOf: (call) => this.#poolOf(call),
    };
  }

  invoke = (call: Invocation, signal: CancelSignal): Promise<Reply> => {
    if (this.#closing) {
      return Promise.reject(new TinderboxError('unavailable', 'the platform is stopping', { retryAfterMs: 1000 }));
    }
    const entry = this.#routes.get(call.function);
    if (entry === undefined) return Promise.reject(unknownFunction(call.function));
    const exchange = new Exchange(call, signal, entry.pool, this.#exchanges);
    exchange.start();
    return exchange.promise;
  };

  setRoute(route: Route): void {
    const previous = this.#routes.get(route.key);
    const pool = this.#poolFor(route);
    pool.routed = true;
    this.#routes.set(route.key, { route, pool });
    if (previous === undefined || previous.pool === pool) return;
    previous.pool.routed = false;
    previous.pool.moveWaiting(pool);
    this.#forgetIfOver(previous.pool);
  }

  removeRoute(key: FunctionKey): void {
    const entry = this.#routes.get(key);
    if (entry === undefined) return;
    this.#routes.delete(key);
    entry.pool.routed = false;
    entry.pool.refuseAll(unknownFunction(key));
    this.#forgetIfOver(entry.pool);
  }

  route(key: FunctionKey): Route | undefined {
    return this.#routes.get(key)?.route;
  }

  instanceChanged({ instance }: { readonly instance: Instance }): void {
    const pool = this.#pools.get(instance.revision);
    if (pool !== undefined) {
      pool.instanceChanged(instance);
      this.#forgetIfOver(pool);
      return;
    }
    const early = this.#early.get(instance.revision) ?? new Map<string, Instance>();
    if (instance.state === 'stopped' || instance.state === 'failed') early.delete(instance.id);
    else early.set(instance.id, instance);
    if (early.size === 0) this.#early.delete(instance.revision);
    else this.#early.set(instance.revision, early);
  }

  whenIdle(instanceId: string): Promise<void> {
    if (![...this.#pools.values()].some((pool) => pool.has(instanceId))) return Promise.resolve();
    const waiting = this.#waitingForIdle.get(instanceId) ?? Promise.withResolvers<void>();
    this.#waitingForIdle.set(instanceId, waiting);
    return waiting.promise;
  }

  load(): ReturnType<Router['load']> {
    return [...this.#pools.values()].map((pool) => pool.snapshot());
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#closing = true;
    if (this.#load() > 0 && !signal.aborted) {
      const drained = new Promise<void>((resolve) => {
        this.#drained = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await drained;
    }
    const stopped = new TinderboxError('unavailable', 'the platform is stopping', { retryAfterMs: 1000 });
    for (const pool of this.#pools.values()) {
      pool.refuseAll(stopped);
      pool.close();
    }
    for (const waiting of this.#waitingForIdle.values()) waiting.resolve();
    this.#pools.clear();
    this.#routes.clear();
    this.#context.wheel.close();
  }

  #poolOf(call: Invocation): Pool {
    const entry = this.#routes.get(call.function);
    if (entry === undefined) throw unknownFunction(call.function);
    return entry.pool;
  }

  #poolFor(route: Route): Pool {
    const known = this.#pools.get(route.revision);
    if (known !== undefined) {
      known.settings = route.settings;
      return known;
    }
    const pool = new Pool(route.revision, route.settings, this.#context);
    this.#pools.set(route.revision, pool);
    for (const instance of this.#early.get(route.revision)?.values() ?? []) pool.instanceChanged(instance);
    this.#early.delete(route.revision);
    return pool;
  }

  #dropped(instanceId: string): void {
    this.#waitingForIdle.get(instanceId)?.resolve();
    this.#waitingForIdle.delete(instanceId);
  }

  #callEnded(pool: Pool): void {
    if (this.#closing) {
      if (this.#load() === 0) this.#drained?.();
      return;
    }
    this.#forgetIfOver(pool);
  }

  #forgetIfOver(pool: Pool): void {
    if (pool.over) this.#pools.delete(pool.revision);
  }

  #load(): number {
    let load = 0;
    for (const pool of this.#pools.values()) load += pool.load;
    return load;
  }
}

function unknownFunction(key: FunctionKey): TinderboxError {
  return new TinderboxError('not-found', `error finding function ${key}: there is no such function`);
}
