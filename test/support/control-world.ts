import type { Builder } from '../../src/builder/builder.ts';
import { type Control, createControl } from '../../src/control/control.ts';
import type { RolloutLimits } from '../../src/control/rollout-limits.ts';
import { TinderboxError } from '../../src/model/errors.ts';
import type { FunctionKey, RevisionId } from '../../src/model/names.ts';
import type { LoadSnapshot, Route } from '../../src/router/router.ts';
import { createScaler } from '../../src/scaler/create-scaler.ts';
import type { Scaler } from '../../src/scaler/scaler.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { ScriptedEngine } from './scripted-engine.ts';

/** Images by name; the digest of `x` is `sha256:x`, and what its instances do follows from its first word. */
export class ScriptedImages {
  readonly known = new Set<string>();
  readonly collected: ReadonlySet<string>[] = [];

  add(...images: string[]): void {
    for (const image of images) this.known.add(image);
  }

  readonly builder: Pick<Builder, 'artifact' | 'collect' | 'resolve' | 'images'> = {
    artifact: async (digest) => (this.known.has(digest.slice(7)) ? artifactOf(digest) : undefined),
    resolve: async (image) => (this.known.has(image) ? artifactOf(`sha256:${image}`) : undefined),
    images: async () => [...this.known].map((image) => ({ image, digest: `sha256:${image}`, builtAt: 'then' })),
    collect: async (keep) => {
      this.collected.push(keep);
      return [];
    },
  };
}

function artifactOf(digest: string): Awaited<ReturnType<Builder['build']>> {
  const manifest = {
    format: 1,
    language: 'node',
    mode: 'frame',
    workdir: '.',
    modulePaths: [],
    dependencies: {},
    toolchain: 'node',
    builder: 'scripted',
  } as const;
  return { digest, directory: `/nowhere/${digest}`, manifest, bytes: 1, builtAt: 'then' };
}

export class ScriptedSecrets {
  readonly values = new Map<string, { value: Buffer; version: number }>();

  async get(namespace: string, name: string): Promise<{ value: Buffer; version: number } | undefined> {
    return this.values.get(`${namespace}/${name}`);
  }

  async list(namespace: string): Promise<readonly string[]> {
    const prefix = `${namespace}/`;
    return [...this.values.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  async put(namespace: string, name: string, value: Buffer, { mode = 'any' } = {}): Promise<number> {
    const key = `${namespace}/${name}`;
    const old = this.values.get(key);
    if (mode === 'create' && old !== undefined) throw new TinderboxError('conflict', `secret "${name}" exists already`);
    if (mode === 'update' && old === undefined) {
      throw new TinderboxError('not-found', `secret "${name}" does not exist`);
    }
    const version = (old?.version ?? 0) + 1;
    this.values.set(key, { value, version });
    return version;
  }

  async delete(namespace: string, name: string): Promise<boolean> {
    return this.values.delete(`${namespace}/${name}`);
  }

  async rotate(): Promise<string> {
    return 'key-2';
  }
}

/** Routes and load in the hands of the test. */
export class ScriptedRouter {
  readonly routes = new Map<FunctionKey, Route>();
  readonly loads = new Map<RevisionId, LoadSnapshot>();

  setRoute(route: Route): void {
    this.routes.set(route.key, route);
  }

  removeRoute(key: FunctionKey): void {
    this.routes.delete(key);
  }

  route(key: FunctionKey): Route | undefined {
    return this.routes.get(key);
  }

  load(): readonly LoadSnapshot[] {
    return [...this.loads.values()];
  }
}

/** What outlives a crash of the platform. */
export interface Remains {
  readonly store: Store;
  readonly images: ScriptedImages;
  readonly secrets: ScriptedSecrets;
}

export function createRemains(): Remains {
  return { store: createMemoryStore(), images: new ScriptedImages(), secrets: new ScriptedSecrets() };
}

export interface World extends Remains {
  readonly engine: ScriptedEngine;
  readonly router: ScriptedRouter;
  readonly scaler: Scaler;
  readonly control: Control;
  readonly identities: Set<string>;
  close(): Promise<void>;
}

interface WorldOptions {
  readonly limits?: Partial<RolloutLimits>;
  /** An engine of an earlier life, whose instances are adopted. */
  readonly engine?: ScriptedEngine;
  /** The store as control sees it, where it differs. */
  readonly store?: Store;
}

/** Control and scaler as they are, on a scripted engine and router; not started yet. */
export function createWorld(remains: Remains, options: WorldOptions = {}): World {
  const engine =
    options.engine ??
    new ScriptedEngine((digest) => {
      const word = digest.slice(7).split(/[:-]/)[0];
      return word === 'broken' || word === 'slow' ? word : 'good';
    });
  const router = new ScriptedRouter();
  const identities = new Set<string>();
  const scaler = createScaler({
    engine,
    load: () => router.load(),
    budget: { instances: 1_000, memoryBytes: 2 ** 50, concurrentStarts: 50 },
    intervalMs: 50,
  });
  const control = createControl({
    store: options.store ?? remains.store,
    builder: remains.images.builder,
    secrets: remains.secrets,
    identities: {
      assign: async (_, owner) => {
        identities.add(owner);
        return 200_000 + identities.size;
      },
      release: async (_, owner) => {
        identities.delete(owner);
      },
    },
    engine,
    scaler,
    router,
    limits: { resyncMs: 200, ...options.limits },
  });
  const close = async (): Promise<void> => {
    await control.close();
    scaler.close();
    await engine.close();
  };
  return { ...remains, engine, router, scaler, control, identities, close };
}
