import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { assertBystanderAnswers, deployBystander, uploadsLeft } from '../support/bystander.ts';
import { sourceArchive } from '../support/deploy.ts';
import { usePlatform } from '../support/platform.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

/** One at work and a hundred that wait. */
const most = 101;
const refusal = `${most} builds are running or waiting, the limit`;

suite('more builds than the platform takes', () => {
  test('are refused with 429 and when to come again; those before them wait, and calls go on', async (t) => {
    const platform = await usePlatform(t, ['--build-concurrent', '1']);
    await deployBystander(platform);
    const settings = { lang: 'exec', process: './run' };
    const endless = await sourceArchive({ image: 'endless:1', ...settings }, { 'build.sh': 'sleep 1000\n' });
    const clients: AbortController[] = [];
    const refused: Response[] = [];
    let unfinished = 0;
    const ask = async (): Promise<void> => {
      const client = new AbortController();
      clients.push(client);
      unfinished += 1;
      const { signal } = client;
      const init = { method: 'POST', body: new Uint8Array(endless), signal };
      const answer = await platform.fetch('/build', init).catch(() => undefined);
      unfinished -= 1;
      if (answer !== undefined) refused.push(answer);
    };
    const asked = Array.from({ length: most + 5 }, ask);
    await until('all beyond the limit are refused', () => refused.length === 5, 120_000);
    for (const answer of refused) {
      assert.deepEqual([answer.status, answer.headers.get('retry-after')], [429, '5']);
      assert.match(await answer.text(), new RegExp(refusal));
    }
    assert.equal(unfinished, most);
    await assertBystanderAnswers(platform);

    const dir = tempDir(t);
    mkdirSync(join(dir, 'one-more'));
    writeFileSync(join(dir, 'one-more', 'handler.js'), 'module.exports = async () => "";\n');
    writeFileSync(
      join(dir, 'stack.yaml'),
      'provider: {name: openfaas}\nfunctions:\n  one-more: {lang: node, handler: ./one-more, image: "one-more:1"}\n',
    );
    const build = (): ReturnType<typeof platform.cli> => platform.cli(['build', '-f', 'stack.yaml'], { cwd: dir });
    const { code, stdout, stderr } = await build();
    assert.equal(code, 6, stdout + stderr);
    assert.match(stdout + stderr, new RegExp(refusal));

    for (const client of clients) client.abort();
    await Promise.all(asked);
    await until('what was sent is gone', () => uploadsLeft(platform).length === 0, 60_000);
    const again = await until('there is room', async () => {
      const done = await build();
      return done.code === 6 ? undefined : done;
    });
    assert.equal(again.code, 0, again.stdout + again.stderr);
  });
});
