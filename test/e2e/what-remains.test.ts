import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

interface Line {
  readonly instance: string;
  readonly text: string;
}

const handler = "module.exports = async (event) => { console.log('call', event.body); return 'done'; };\n";

async function call(platform: TestPlatform, name: string, body: string): Promise<void> {
  const answer = await platform.fetch(`/function/${name}`, { method: 'POST', body });
  assert.equal(await answer.text(), 'done');
}

async function linesOf(platform: TestPlatform, name: string): Promise<readonly Line[]> {
  const text = await (await platform.fetch(`/system/logs?name=${name}`)).text();
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Line).filter((line) => line.text.startsWith('call '));
}

suite('what remains', () => {
  test('of a log: every line, over sleep, a restart and a kill', { timeout: 120_000 }, async (t) => {
    const first = await startPlatform();
    t.after(() => first.dispose());
    const holds = async (platform: TestPlatform, words: readonly string[]): Promise<readonly Line[]> => {
      const wanted = words.map((word) => `call ${word}`);
      const fits = (lines: readonly Line[]): boolean => lines.map(({ text }) => text).join() === wanted.join();
      return until(`its log holds ${words.join(', ')}`, async () => {
        const lines = await linesOf(platform, 'talks');
        return fits(lines) && lines;
      });
    };
    await deployFiles(first, 'talks', { 'handler.js': handler });
    await call(first, 'talks', 'before');
    await holds(first, ['before']);
    assert.equal((await first.cli(['scale', 'talks', '0'])).code, 0);
    const instances = async (): Promise<string> => (await first.cli(['instances'])).stdout;
    await until('it sleeps', async () => !/ (ready|starting|draining) /.test(await instances()), 60_000);
    await holds(first, ['before']);
    await call(first, 'talks', 'awake');
    await holds(first, ['before', 'awake']);
    await first.stop();
    const second = await first.restart();
    t.after(() => second.dispose());
    await holds(second, ['before', 'awake']);
    await call(second, 'talks', 'restarted');
    await second.kill();
    const third = await second.restart();
    t.after(() => third.dispose());
    await call(third, 'talks', 'killed');
    const lines = await holds(third, ['before', 'awake', 'restarted', 'killed']);
    assert.ok(new Set(lines.map(({ instance }) => instance)).size >= 3, 'they are of several instances');
  });

  test('of calls to functions that are not there: no series, whatever their names', async (t) => {
    const platform = await startPlatform();
    t.after(() => platform.dispose());
    await deployFiles(platform, 'known', { 'handler.js': handler });
    await call(platform, 'known', 'x');
    const names = ['ghost', 'ghost.openfaas-fn', 'known.elsewhere', 'ghost%22%7D', 'KNOWN'];
    for (const name of names) {
      for (const route of ['function', 'async-function']) {
        const answer = await fetch(`${platform.url}/${route}/${name}`, { method: 'POST', body: 'x' });
        await answer.arrayBuffer();
        assert.ok([400, 404].includes(answer.status), `${route} ${name}: ${answer.status}`);
      }
    }
    const text = await (await fetch(`${platform.metricsUrl}/metrics`)).text();
    const labelled = [...text.matchAll(/function_name="([^"]*)"/g)].map((match) => match[1]);
    assert.deepEqual([...new Set(labelled)], ['known.openfaas-fn']);
    assert.doesNotMatch(text, /ghost|KNOWN|elsewhere/);
  });
});
