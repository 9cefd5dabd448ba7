import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { createClient, type Client } from '../../src/client/client.ts';
import type { FunctionDeployment } from '../../src/client/functions.ts';
import { packSource, type PackConfig } from '../../src/client/pack-source.ts';
import { dataOf } from '../../src/client/result.ts';
import type { RevisionSummary } from '../../src/client/revisions.ts';
import type { Instance } from '../../src/model/instance.ts';
import { ownIds } from './own-ids.ts';
import { startPlatform, type TestPlatform } from './platform.ts';
import { until } from './until.ts';

const fixtures = resolve(import.meta.dirname, '../fixtures/bad-functions');
const bystander = 'bystander';

/** One line without a path; a revision's name has the only slash. */
export const oneShortLine = /^(openfaas-fn\/[\w-]+ )?[^\n/]{1,300}\n$/;

/** What the sources under test/fixtures/bad-functions are built as. */
const images = {
  node: { image: 'bad-node', lang: 'node' },
  python: { image: 'bad-python', lang: 'python3' },
  http: { image: 'bad-http', lang: 'exec', process: 'python3 -u server.py', mode: 'http' },
  exec: { image: 'bad-exec', lang: 'exec', process: './bad', mode: 'fork' },
} as const satisfies Record<string, PackConfig>;

export type Language = keyof typeof images;

/** How a function is to misbehave, and what it is given. */
export interface Misdeed extends Partial<Omit<FunctionDeployment, 'service' | 'image'>> {
  readonly language?: Language;
  /** Which of the language's misdeeds; default: the function's name. */
  readonly behaviour?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A platform, a well-behaved function on it, and bad ones that come and go. */
export interface BadFunctions {
  readonly platform: TestPlatform;
  readonly client: Client;
  /** Deploys and resolves when it takes calls; it is removed after the test, which then sees that nothing remains. */
  deploy(t: TestContext, name: string, misdeed?: Misdeed): Promise<void>;
  /** Deploys and resolves with the revision once it failed. */
  deployBroken(t: TestContext, name: string, misdeed?: Misdeed): Promise<RevisionSummary>;
  call(name: string, body?: string | Record<string, unknown>, init?: RequestInit): Promise<Answer>;
  /** Calls until an instance answers again: starting anew after a crash takes a moment of back-off. */
  callUntilUp(name: string, body?: string | Record<string, unknown>): Promise<Answer>;
  instances(name: string): Promise<readonly Instance[]>;
  /** The one ready instance. */
  instance(name: string): Promise<Instance>;
  /** Resolves with the first failed instance whose reason matches. */
  failed(name: string, reason: RegExp): Promise<Instance>;
  /** Text of the stored log lines. */
  logs(name: string): Promise<readonly string[]>;
  /** Resolves when `describe` prints it. */
  describes(name: string, text: RegExp): Promise<void>;
  /** Living processes of all functions of this platform. */
  processes(): readonly { readonly pid: number; readonly command: string }[];
  /** Cgroup directories of all instances and warm processes. */
  cages(): readonly string[];
  /** Parent of the instances' secret folders. */
  secretsDir(): string;
  /** Calls the bystander all the while; throws unless each call was answered well and most of them soon. */
  undisturbed<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Starts a platform whose functions have uids of their own, builds the images and deploys the bystander. */
export async function startBadFunctions(languages: readonly Language[]): Promise<BadFunctions> {
  const platform = await startPlatform(['--uids', `${ownIds.first}-${ownIds.last}`, '--start-timeout', '2s']);
  try {
    const password = readFileSync(join(platform.stateDir, 'password'), 'utf8').trim();
    const client = createClient({ gateway: platform.url, credentials: { user: 'admin', password } });
    for (const language of new Set<Language>(['node', ...languages])) await build(client, language);
    const stage = new Stage(platform, client, ownIds);
    await stage.deployWell(bystander, { behaviour: 'well' });
    return stage;
  } catch (error) {
    await platform.dispose();
    throw error;
  }
}

async function build(client: Client, language: Language): Promise<void> {
  const log: string[] = [];
  const built = await client.build.run(await packSource(join(fixtures, language), images[language]), (line) =>
    log.push(line),
  );
  assert.ok(built.ok, `${language}: ${log.join('\n')}`);
}

class Stage implements BadFunctions {
  readonly platform: TestPlatform;
  readonly client: Client;
  readonly #uids: { readonly first: number; readonly last: number };
  readonly #deployed = new WeakMap<TestContext, string[]>();

  constructor(platform: TestPlatform, client: Client, uids: { readonly first: number; readonly last: number }) {
    this.platform = platform;
    this.client = client;
    this.#uids = uids;
  }

  async deploy(t: TestContext, name: string, misdeed: Misdeed = {}): Promise<void> {
    this.#removeAfter(t, name);
    await this.deployWell(name, misdeed);
  }

  async deployBroken(t: TestContext, name: string, misdeed: Misdeed = {}): Promise<RevisionSummary> {
    this.#removeAfter(t, name);
    await this.#put(name, misdeed);
    return until(`${name} has failed`, async () => this.#revision(name, 'failed'), 30_000);
  }

  async deployWell(name: string, misdeed: Misdeed): Promise<void> {
    await this.#put(name, misdeed);
    const revision = await until(
      `${name} is ready`,
      async (): Promise<RevisionSummary | undefined> =>
        (await this.#revision(name, 'ready')) ?? this.#revision(name, 'failed'),
      30_000,
    );
    assert.equal(revision.state, 'ready', revision.failure ?? '');
    await until(`${name} takes calls`, async () => (await this.#revision(name, 'ready'))?.serving === true);
  }

  async call(name: string, body: string | Record<string, unknown> = '', init: RequestInit = {}): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${this.platform.url}/function/${name}`, { method: 'POST', body: text, ...init });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  callUntilUp(name: string, body: string | Record<string, unknown> = ''): Promise<Answer> {
    return until(`${name} answers again`, async () => {
      const answer = await this.call(name, body);
      return answer.status === 503 ? undefined : answer;
    });
  }

  async instances(name: string): Promise<readonly Instance[]> {
    return dataOf(await this.client.instances.list({ function: name }));
  }

  instance(name: string): Promise<Instance> {
    return until(`${name} has a ready instance`, async () =>
      (await this.instances(name)).find(({ state }) => state === 'ready'),
    );
  }

  failed(name: string, reason: RegExp): Promise<Instance> {
    return until(`${name} has an instance that failed for ${reason}`, async () =>
      (await this.instances(name)).find((each) => each.state === 'failed' && reason.test(each.reason ?? '')),
    );
  }

  async logs(name: string): Promise<readonly string[]> {
    const lines: string[] = [];
    for await (const line of dataOf(await this.client.logs.read({ name, follow: false }))) lines.push(line.text);
    return lines;
  }

  async describes(name: string, text: RegExp): Promise<void> {
    const { stdout } = await this.platform.cli(['describe', name]);
    assert.match(stdout, text);
  }

  processes(): readonly { readonly pid: number; readonly command: string }[] {
    return processesIn(this.#uids).map((pid) => ({ pid, command: commandOf(pid) }));
  }

  cages(): readonly string[] {
    return [...cagesOf(this.platform.runDir).values()].flatMap(({ directories }) => directories);
  }

  secretsDir(): string {
    return `/dev/shm/tinderbox-${digestOf(this.platform.runDir)}`;
  }

  async undisturbed<T>(work: () => Promise<T>): Promise<T> {
    const waitsMs: number[] = [];
    let over = false;
    const watch = async (): Promise<void> => {
      while (!over || waitsMs.length < 10) {
        const startedAtMs = performance.now();
        await this.#bystanderAnswers();
        waitsMs.push(performance.now() - startedAtMs);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const watching = watch();
    try {
      return await work();
    } finally {
      over = true;
      await watching;
      const sorted = waitsMs.toSorted((a, b) => a - b);
      const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
      // The machine may be slow for reasons of its own; a platform that is held up is slow for every call.
      assert.ok(median < 1000, `a call of the bystander took ${Math.round(median)} ms, in the median`);
      assert.ok((sorted[0] ?? 0) < 100, `the quickest call of the bystander took ${Math.round(sorted[0] ?? 0)} ms`);
    }
  }

  close(): Promise<void> {
    return this.platform.dispose();
  }

  async #put(service: string, { language = 'node', behaviour = service, ...given }: Misdeed): Promise<void> {
    const envVars = { behaviour, ...given.envVars };
    const { image } = images[language];
    dataOf(await this.client.functions.deploy({ ...given, service, image, envVars }));
  }

  async #revision(name: string, state: RevisionSummary['state']): Promise<RevisionSummary | undefined> {
    return dataOf(await this.client.revisions.list(name)).find((revision) => revision.state === state);
  }

  #removeAfter(t: TestContext, name: string): void {
    const names = this.#deployed.get(t);
    if (names !== undefined) {
      names.push(name);
      return;
    }
    const all = [name];
    this.#deployed.set(t, all);
    t.after(() => this.#remove(all));
  }

  /** Everybody else is well, and of these functions nothing is left. */
  async #remove(names: readonly string[]): Promise<void> {
    await this.#bystanderAnswers();
    for (const name of names) {
      const removed = await this.client.functions.remove(name);
      assert.ok(removed.ok || removed.error.code === 'not-found');
      await until(`${name} is gone`, async () => (await this.call(name)).status === 404);
    }
    const own = await this.instance(bystander);
    const left = (): readonly string[] => this.#leftovers(own);
    await until('nothing is left', () => left().length === 0, 15_000).catch(() => assert.deepEqual(left(), []));
    await this.#bystanderAnswers();
  }

  async #bystanderAnswers(): Promise<void> {
    const { status, text } = await this.call(bystander, 'you there?');
    assert.deepEqual({ status, text }, { status: 200, text: 'well: you there?' });
  }

  /** Processes, cages, folders and secrets that belong neither to the bystander nor to the warm pool. */
  #leftovers(own: Instance): readonly string[] {
    const cages = cagesOf(this.platform.runDir);
    const isOwn = ({ pids }: Cage): boolean => pids.includes(own.pid ?? 0);
    const ownPids = [...cages.values()].find(isOwn)?.pids ?? [];
    const processes = processesIn(this.#uids).filter((pid) => !ownPids.includes(pid));
    const foreign = [...cages].filter(([id, cage]) => !isOwn(cage) && !isWarm(id, cage, processes));
    const folders = readdirSync(join(this.platform.runDir, 'i'));
    const secrets = readdirSync(this.secretsDir());
    return [
      ...processes.map((pid) => `process ${pid}: ${commandOf(pid)}`),
      ...foreign.map(([id, { pids }]) => `cage ${id} with ${pids.length} processes`),
      ...(folders.length === cages.size ? [] : [`${folders.length} instance folders for ${cages.size} cages`]),
      ...(secrets.length === cages.size ? [] : [`${secrets.length} secret folders for ${cages.size} cages`]),
    ];
  }
}

interface Cage {
  readonly directories: readonly string[];
  readonly pids: readonly number[];
}

function isWarm(id: string, { pids }: Cage, processes: readonly number[]): boolean {
  return id.startsWith('warm-') && !pids.some((pid) => processes.includes(pid));
}

/** By id, over all hierarchies of the platform with this run folder. */
function cagesOf(runDir: string): Map<string, Cage> {
  const parent = `tinderbox-${digestOf(runDir)}`;
  const found = new Map<string, Cage>();
  for (const hierarchy of ['', ...readdirSync('/sys/fs/cgroup')]) {
    const directory = join('/sys/fs/cgroup', hierarchy, parent);
    if (!existsSync(directory)) continue;
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const cage = join(directory, entry.name);
      const pids = read(join(cage, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
      const before = found.get(entry.name) ?? { directories: [], pids: [] };
      const all = [...new Set([...before.pids, ...pids])];
      found.set(entry.name, { directories: [...before.directories, cage], pids: all });
    }
  }
  return found;
}

/** Living processes of any of these users. */
function processesIn(uids: { readonly first: number; readonly last: number }): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const status = read(join('/proc', pid, 'status'));
      const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1]);
      return uid >= uids.first && uid <= uids.last && !/^State:\s+[ZX]/m.test(status);
    })
    .map(Number);
}

function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() || basename(read(`/proc/${pid}/comm`).trim());
}

function digestOf(runDir: string): string {
  return createHash('sha256').update(runDir).digest('hex').slice(0, 12);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Processes come and go while they are looked at. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
