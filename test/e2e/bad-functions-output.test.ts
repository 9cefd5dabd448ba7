import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type BadFunctions, startBadFunctions } from '../support/bad-functions.ts';
import { until } from '../support/until.ts';

const gibibyte = 2 ** 30;
const mebibyte = 2 ** 20;
/** Two files of 8 MiB. */
const mostLogBytes = 16 * mebibyte;

suite('functions that write without end', () => {
  let stage: BadFunctions;
  before(async () => {
    stage = await startBadFunctions(['exec']);
  });
  after(() => stage.close());

  for (const [fd, name] of [
    [1, 'stdout'],
    [2, 'stderr'],
  ] as const) {
    test(`a gigabyte on ${name} is read, counted and mostly dropped`, async (t) => {
      await stage.deploy(t, name, { behaviour: 'pours' });
      const memory = watchMemory(stage);
      const answer = await stage.undisturbed(() => stage.call(name, { fd, bytes: gibibyte }));
      assert.equal(answer.status, 200, answer.text);
      t.diagnostic(answer.text);
      memory.assertBounded();
      assert.ok(logBytes(stage, name) <= mostLogBytes);
      await until('it is told how many lines were dropped', async () =>
        (await stage.logs(name)).some((line) => /^\d+ lines dropped/.test(line)),
      );
    });
  }

  test('a gigabyte on the stderr of a program per call costs its log, not its answer', async (t) => {
    await stage.deploy(t, 'pours-err', { language: 'exec', envProcess: './bad pour-err 1024' });
    const memory = watchMemory(stage);
    const answer = await stage.undisturbed(() => stage.call('pours-err'));
    assert.deepEqual([answer.status, answer.text], [200, 'poured\n']);
    memory.assertBounded();
    assert.ok(logBytes(stage, 'pours-err') <= mostLogBytes);
  });

  test('a quarter of a gigabyte as an answer streams through, as fast as the caller takes it', async (t) => {
    await stage.deploy(t, 'pours-out', { language: 'exec', envProcess: './bad pour-out 256' });
    const memory = watchMemory(stage);
    const bytes = await stage.undisturbed(async () => {
      const response = await open(`${stage.platform.url}/function/pours-out`);
      assert.equal(response.statusCode, 200);
      await halt(response, 300);
      let count = 0;
      for await (const chunk of response) count += (chunk as Buffer).length;
      return count;
    });
    assert.equal(bytes, gibibyte / 4);
    memory.assertBounded();
  });

  test('a flood of lines neither grows the platform nor stops for followers, slow ones or none', async (t) => {
    await stage.deploy(t, 'floods', { behaviour: 'pours' });
    const memory = watchMemory(stage);
    const follow = `${stage.platform.url}/system/logs?name=floods&follow=true`;
    const stalled = await open(follow, stage.platform.authorization);
    stalled.pause();
    t.after(() => stalled.destroy());
    const reading = await open(follow, stage.platform.authorization);
    t.after(() => reading.destroy());
    let seen = '';
    reading.setEncoding('utf8').on('data', (text: string) => (seen = (seen + text).slice(-10_000)));
    const { count, tookMs } = await stage.undisturbed(() => lines(stage, 3000));
    t.diagnostic(`${count} lines in ${tookMs} ms`);
    assert.ok(tookMs < 6000, `it was held up: ${tookMs} ms`);
    memory.assertBounded();
    assert.ok(logBytes(stage, 'floods') <= mostLogBytes);
    await stage.call('floods', { lines: 1 });
    await until('the reading follower is there again', () => /lines dropped|line \d+ of the flood/.test(seen));
  });
});

async function lines(stage: BadFunctions, forMs: number): Promise<{ count: number; tookMs: number }> {
  const { text, status } = await stage.call('floods', { lines: forMs });
  assert.equal(status, 200, text);
  return JSON.parse(text) as { count: number; tookMs: number };
}

/** Peak memory of platform and keeper from now on. */
function watchMemory(stage: BadFunctions): { assertBounded(): void } {
  const keeper = JSON.parse(readFileSync(join(stage.platform.runDir, 'keeper/keeper.json'), 'utf8')) as { pid: number };
  const watched = [
    { who: 'platform', pid: stage.platform.pid },
    { who: 'keeper', pid: keeper.pid },
  ].map((each) => {
    // 5 resets the peak.
    writeFileSync(`/proc/${each.pid}/clear_refs`, '5');
    return { ...each, before: statusBytes(each.pid, 'VmRSS') };
  });
  return {
    assertBounded() {
      for (const { who, pid, before } of watched) {
        const grown = (statusBytes(pid, 'VmHWM') - before) / mebibyte;
        assert.ok(grown < 128, `the ${who} grew by ${Math.round(grown)} MiB`);
      }
    },
  };
}

function statusBytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
}

function logBytes(stage: BadFunctions, name: string): number {
  const directory = join(stage.platform.stateDir, 'logs/openfaas-fn', name);
  return readdirSync(directory).reduce((sum, file) => sum + statSync(join(directory, file)).size, 0);
}

function open(url: string, authorization?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { headers: authorization === undefined ? {} : { authorization } }, resolve).on('error', reject);
  });
}

/** The caller takes nothing for a while: everything on the way fills up. */
async function halt(response: IncomingMessage, forMs: number): Promise<void> {
  response.pause();
  await new Promise((resolve) => setTimeout(resolve, forMs));
}
