import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { covers } from '../support/covers.ts';
import { deployFiles } from '../support/deploy.ts';
import { usePlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

const tick = { 'handler.js': "module.exports = async (event) => 'tick ' + event.headers['x-schedule-time'];\n" };

suite('functions the clock calls', () => {
  test('a function that sleeps is called when it is due, by the annotations of the cron-connector', async (t) => {
    covers('annotation', 'topic', 'schedule');
    const platform = await usePlatform(t);
    const annotations = { topic: 'cron-function', schedule: '*/1 * * * * *' };
    await deployFiles(platform, 'tick', tick, { spec: { annotations } });
    const calls = async (): Promise<number> => {
      const list = (await (await platform.fetch('/system/functions')).json()) as { invocationCount: number }[];
      return list[0]?.invocationCount ?? 0;
    };
    await until('three calls', async () => (await calls()) >= 3, 20_000);
    const update = { service: 'tick', image: 'tick:1', annotations: {} };
    const answer = await platform.fetch('/system/functions', { method: 'PUT', body: JSON.stringify(update) });
    assert.equal(answer.status, 202);
  });

  test('a schedule that is none is refused at the deploy, by name', async (t) => {
    const platform = await usePlatform(t);
    await deployFiles(platform, 'tick', tick);
    const annotations = { topic: 'cron-function', schedule: '99 * * * *' };
    const body = JSON.stringify({ service: 'tick', image: 'tick:1', annotations });
    const answer = await platform.fetch('/system/functions', { method: 'PUT', body });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /annotation schedule "99 \* \* \* \*"/);
  });
});
