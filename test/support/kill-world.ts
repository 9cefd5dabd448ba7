import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { deployFiles } from './deploy.ts';
import { startPlatform, type TestPlatform } from './platform.ts';
import { tracesOf } from './traces.ts';
import { until } from './until.ts';

/** How long anything may take; it says that something hangs, not that it is slow. */
export const patienceMs = 60_000;

const rounds = Number(process.env['CHAOS_ROUNDS'] ?? 0);

/**
 * When each fault is brought about after what it interrupts began: three moments, or with `npm run chaos` many random
 * ones, most of them early.
 */
export const momentsMs: readonly number[] =
  rounds === 0 ? [0, 20, 120] : Array.from({ length: rounds }, () => Math.floor(Math.random() ** 2 * 400));

/** Answers `GREETING PID`, after as many milliseconds as the body says. */
export function waitingHandler(greeting: string): Readonly<Record<string, string>> {
  return {
    'handler.js': `module.exports = async (event) => {
  await new Promise((resolve) => setTimeout(resolve, Number(event.body) || 0));
  return '${greeting} ' + process.pid;
};
`,
  };
}

/** Never asleep, so that there is something to kill. */
export const awake = { labels: { 'com.openfaas.scale.min': '1', 'com.openfaas.scale.zero': 'false' } };

interface InstanceView {
  readonly id: string;
  readonly revision: string;
  readonly state: string;
  readonly pid?: number;
}

/** A platform that is killed and started again over the same folders. */
export class KillWorld {
  platform: TestPlatform;
  #startMs = 0;

  private constructor(platform: TestPlatform) {
    this.platform = platform;
  }

  /** At the end it is stopped as Ctrl-C does, and nothing may be left of it. */
  static async start(t: TestContext, flags: readonly string[] = []): Promise<KillWorld> {
    const world = new KillWorld(await startPlatform(['--pool-node', '0', '--pool-python', '0', ...flags]));
    t.after(async () => {
      await world.platform.stop();
      const left = tracesOf(world.platform);
      await world.platform.dispose();
      assert.deepEqual(left, []);
    });
    return world;
  }

  /** Removes a function and waits until it is gone. */
  async remove(name: string): Promise<void> {
    const body = JSON.stringify({ functionName: name });
    const removed = await this.platform.fetch('/system/functions', { method: 'DELETE', body });
    assert.equal(removed.status, 202, await removed.text());
    await until(`${name} is gone`, async () => (await this.get(`/system/function/${name}`)) === 404, patienceMs);
  }

  async deploy(name: string, greeting: string, spec: object = awake): Promise<void> {
    await deployFiles(this.platform, name, waitingHandler(greeting), { spec });
  }

  /** Kills the platform and starts it again. */
  async killAndRestart(): Promise<void> {
    await this.platform.kill();
    await this.restart();
  }

  async restart(): Promise<void> {
    const startedMs = performance.now();
    this.platform = await this.platform.restart();
    this.#startMs = Math.round(performance.now() - startedMs);
  }

  /** What the present platform has to say about why something is not as it was. */
  account(): string {
    return `started in ${this.#startMs} ms:\n${this.platform.output()}`;
  }

  /** Text of a function's 200. */
  async call(name: string, body = '0'): Promise<string> {
    const answer = await fetch(`${this.platform.url}/function/${name}`, { method: 'POST', body });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return text;
  }

  /** Status of a call, or `broken` when the connection was cut; never hangs. */
  async outcome(name: string, body: string): Promise<number | 'broken'> {
    try {
      const answer = await fetch(`${this.platform.url}/function/${name}`, {
        method: 'POST',
        body,
        signal: AbortSignal.timeout(patienceMs),
      });
      await answer.text();
      return answer.status;
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') throw error;
      return 'broken';
    }
  }

  /** Resolves when that many calls of a function are under way. */
  async underWay(name: string, count: number): Promise<void> {
    const line = new RegExp(`_inflight\\{function_name="${name}[^}]*\\} ${count}$`, 'm');
    await until(
      `${count} calls of ${name} are under way`,
      async () => {
        return line.test(await (await fetch(`${this.platform.metricsUrl}/metrics`)).text());
      },
      patienceMs,
    );
  }

  async get(path: string): Promise<unknown> {
    const answer = await this.platform.fetch(path);
    return answer.status === 200 ? await answer.json() : answer.status;
  }

  /** Pid of the one instance of a function once there is exactly one, and it is ready. */
  async pidOf(name: string): Promise<number> {
    const [one] = await this.ready(name, 1);
    return one?.pid ?? 0;
  }

  async ready(name: string, count: number): Promise<readonly InstanceView[]> {
    let all: readonly InstanceView[] = [];
    const asked = until(
      `${name} has ${count} ready instances`,
      async () => {
        all = (await this.get(`/system/instances?function=${name}`)) as readonly InstanceView[];
        const live = all.filter(({ state }) => state !== 'stopped' && state !== 'failed');
        return live.length === count && live.every(({ state }) => state === 'ready') ? live : undefined;
      },
      patienceMs,
    );
    return await asked.catch((cause: unknown) => {
      throw new Error(`${name} does not come to ${count}: ${JSON.stringify(all)}`, { cause });
    });
  }

  /** What is stored, as a client sees it. */
  async state(): Promise<unknown> {
    const functions = (await this.get('/system/functions')) as readonly Record<string, unknown>[];
    return {
      functions: functions.map(({ name, image, labels, annotations, createdAt }) => {
        return { name, image, labels, annotations, createdAt };
      }),
      secrets: await this.get('/system/secrets'),
      namespaces: await this.get('/system/namespaces'),
    };
  }

  /** Calls and changes under way have been noticed by now; the moment of the kill is the point, so it is a delay. */
  async at(ms: number): Promise<void> {
    if (ms > 0) await delay(ms);
  }
}

/** One fault, brought about on a platform of its own. */
export function fault(
  title: string,
  run: (world: KillWorld, t: TestContext) => Promise<void>,
  flags: readonly string[] = [],
): void {
  test(title, async (t) => {
    await run(await KillWorld.start(t, flags), t);
  });
}
