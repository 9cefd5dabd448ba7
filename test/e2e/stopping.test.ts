import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { suite, test } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { usePlatform } from '../support/platform.ts';
import { isAlive, keeperPid, tracesOf, treeOf } from '../support/traces.ts';
import { until } from '../support/until.ts';

/** Half of what calls have to come to their end: a stop that waits for something else takes all of it. */
const promptMs = 10_000;

const handler = `
module.exports = async () => {
  console.log('begun');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return 'to its end';
};
`;

suite('a platform that is stopped', () => {
  test('ends a followed log at once, and lets a call come to its end', async (t) => {
    const platform = await usePlatform(t);
    await deployFiles(platform, 'slow', { 'handler.js': handler });
    const answer = fetch(`${platform.url}/function/slow`).then((response) => response.text());
    const followed = await platform.fetch('/system/logs?name=slow&follow=true');
    let text = '';
    const reading = (async () => {
      for await (const bytes of followed.body ?? []) text += Buffer.from(bytes).toString();
    })();
    await until('the log of the call', () => text.includes('begun'));
    const startedMs = performance.now();
    const stopped = platform.stop();
    await reading;
    assert.equal(await answer, 'to its end');
    assert.equal(await stopped, 0);
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < promptMs, `the stop took ${Math.round(tookMs)} ms`);
  });

  test('ends although its folders were deleted and its keeper hangs', async (t) => {
    const platform = await usePlatform(t);
    await deployFiles(platform, 'held', { 'handler.js': handler });
    const keeper = keeperPid(platform);
    const held = treeOf(keeper);
    t.after(() => {
      for (const pid of held.filter(isAlive)) process.kill(pid, 'SIGKILL');
    });
    for (const folder of [platform.stateDir, platform.runDir]) rmSync(folder, { recursive: true, maxRetries: 5 });
    process.kill(keeper, 'SIGSTOP');
    assert.equal(await platform.stop(), 0);
    assert.match(platform.output(), /the keeper process did not end within 5000 ms/);
    // What a hung keeper held the next platform of these folders clears away.
    for (const pid of held.filter(isAlive)) process.kill(pid, 'SIGKILL');
    const next = await platform.restart();
    await next.dispose();
    assert.deepEqual(tracesOf(platform), []);
  });
});
