import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertBystanderAnswers, callsUnderWay, deployBystander } from '../support/bystander.ts';
import { buildImage } from '../support/deploy.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { tracesOf } from '../support/traces.ts';
import { until } from '../support/until.ts';

const count = 1000;
const names = Array.from({ length: count }, (_, index) => `tiny-${index}`);
const source = readFileSync(join(import.meta.dirname, '../fixtures/clients/tiny.c'), 'utf8');
/** Three times what the platform promises on a machine with nothing else to do. */
const listMs = 300;
const startMs = 20_000;
/** A call of another function beside those of a thousand, all of them made by this one process. */
const busyMs = 2_000;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
}

suite('a thousand functions', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform();
    await deployBystander(platform);
    const files = { 'tiny.c': source, Makefile: 'handler: tiny.c\n\tcc -O1 -o handler tiny.c\n' };
    await buildImage(platform, 'tiny:1', files, { lang: 'exec', mode: 'http', process: './handler' });
  });
  after(() => platform.dispose());

  async function deploy(name: string): Promise<void> {
    const body = JSON.stringify({ service: name, image: 'tiny:1', limits: { memory: '16Mi' } });
    const answer = await platform.fetch('/system/functions', { method: 'POST', body });
    assert.equal(answer.status, 202, await answer.text());
  }

  async function call(name: string): Promise<Answer> {
    const answer = await fetch(`${platform.url}/function/${name}`);
    return { status: answer.status, text: await answer.text(), retryAfter: answer.headers.get('retry-after') };
  }

  /** A call that got no answer says why, so that all of them are seen together. */
  async function callOrCut(name: string): Promise<Answer> {
    return await call(name).catch((error: Error) => ({ status: 0, text: `${name}: ${error.cause}`, retryAfter: null }));
  }

  /** Every list is whole, and one of those asked for within half a minute comes in time, however busy the machine is. */
  async function assertListed(): Promise<void> {
    await until(
      `a list within ${listMs} ms`,
      async () => {
        const startedMs = performance.now();
        const list = (await (await platform.fetch('/system/functions')).json()) as unknown[];
        assert.equal(list.length, count + 1);
        return performance.now() - startedMs < listMs;
      },
      30_000,
    );
  }

  async function underWay(): Promise<number> {
    return (await callsUnderWay(platform)).reduce((sum, [, calls]) => sum + calls, 0);
  }

  test('are accepted, and the list and other functions do not wait for their starts', async () => {
    for (let at = 0; at < count; at += 20) {
      await Promise.all(names.slice(at, at + 20).map(deploy));
      await assertBystanderAnswers(platform, busyMs);
    }
    await assertListed();
  });

  test('are called all at once: each is answered, or told that the host is full and when to come again', async () => {
    const beforeBytes = residentBytes(platform.pid);
    const calls = Promise.all(names.map(callOrCut));
    await until('the calls are under way', async () => (await underWay()) > 0);
    await assertBystanderAnswers(platform, busyMs);
    await assertListed();
    const answers = await calls;
    const served = answers.filter(({ status, text }) => status === 200 && text === 'tiny');
    const refused = answers.filter(({ status }) => status === 503 || status === 429);
    const others = answers.filter((answer) => ![...served, ...refused].includes(answer));
    assert.deepEqual(others, []);
    assert.ok(served.length > 0);
    for (const { text, retryAfter } of refused) {
      assert.match(text, /no room for|host is full|calls waiting/);
      assert.ok(Number(retryAfter) >= 1, text);
    }
    await until('no call is under way', async () => (await underWay()) === 0);
    const moreBytes = residentBytes(platform.pid) - beforeBytes;
    assert.ok(moreBytes < 160 * 2 ** 20, `${Math.round(moreBytes / 2 ** 20)} MiB more`);
    await assertBystanderAnswers(platform);
  });

  test('come to an answer each for a caller that comes again when told to', async () => {
    const some = names.filter((_, index) => index % 25 === 0);
    const answers = await Promise.all(some.map((name) => until(`${name} answers`, () => callOrNothing(name), 30_000)));
    assert.deepEqual([...new Set(answers.map(({ text }) => text))], ['tiny']);
  });

  test('do not keep the platform from stopping and starting', async () => {
    await platform.stop();
    assert.deepEqual(tracesOf(platform), []);
    const startedMs = performance.now();
    platform = await platform.restart();
    const tookMs = performance.now() - startedMs;
    await assertListed();
    assert.equal((await until('one answers', async () => callOrNothing(names[count - 1] ?? ''))).text, 'tiny');
    assert.ok(tookMs < startMs, `the start took ${Math.round(tookMs)} ms`);
  });

  /** Comes again when it is told to. */
  async function callOrNothing(name: string): Promise<Answer | undefined> {
    const answer = await call(name);
    if (answer.status === 200) return answer;
    await delay(Number(answer.retryAfter) * 1000);
    return undefined;
  }
});

/** Memory of a process that is in RAM now. */
function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
