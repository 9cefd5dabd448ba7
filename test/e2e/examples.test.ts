import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suite, test } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { startPlatform } from '../support/platform.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

const examples = resolve(import.meta.dirname, '../../examples');

suite('the examples', () => {
  test('all deploy with one command and answer', async (t) => {
    const platform = await startPlatform();
    t.after(() => platform.dispose());
    const dir = tempDir(t);
    cpSync(examples, dir, { recursive: true });
    const deploy = await platform.cli(['deploy', '-f', 'stack.yaml'], { cwd: dir });
    assert.equal(deploy.code, 0, deploy.stdout + deploy.stderr);
    const call = async (name: string, body?: string): Promise<string> => {
      const init = body === undefined ? {} : { method: 'POST', body };
      const answer = await fetch(`${platform.url}/function/${name}`, init);
      const text = await answer.text();
      assert.equal(answer.status, 200, `${name}: ${text}`);
      return text;
    };
    assert.match(await call('hello', 'you'), /[Hh]ello/);
    assert.equal(await call('pycon', 'echo'), 'echo');
    assert.match(await call('wordcount', 'one two three'), /3/);
    assert.match(await call('hello-c'), /hello function/);
    assert.ok((await call('py-dependency', 'x')).length > 0);
    assert.ok((await call('stream')).length > 0);
    assert.ok((await call('fetch-ts')).length > 0);

    await t.test('pycon is edited, deployed again, and the new code answers', async () => {
      writeFileSync(join(dir, 'pycon', 'handler.py'), 'def handle(req):\n    return req.upper()\n');
      const again = await platform.cli(['deploy', '-f', 'stack.yaml', '--filter', 'pycon'], { cwd: dir });
      assert.equal(again.code, 0, again.stdout + again.stderr);
      assert.equal(await call('pycon', 'echo'), 'ECHO');
    });
  });

  test('starting with the examples leaves a function alone that somebody deployed in the place of one', async (t) => {
    const first = await startPlatform();
    let last = first;
    t.after(() => last.dispose());
    await deployFiles(first, 'hello', { 'handler.js': "module.exports = async () => 'mine';\n" });
    await first.stop();
    last = await startPlatform(['--examples'], { stateDir: first.stateDir, runDir: first.runDir });
    await until('the examples are there', () => last.output().includes('Ctrl-C stops'), 120_000);
    assert.doesNotMatch(last.output(), /^ {2}curl .*\/hello$/m);
    assert.equal(await (await fetch(`${last.url}/function/hello`)).text(), 'mine');
    assert.equal((await fetch(`${last.url}/function/hello-c`)).status, 200);

    await t.test('and an example as it was made since', async () => {
      const changed = await last.cli(['deploy', '-f', 'stack.yaml', '--filter', 'pycon', '-l', 'team=web'], {
        cwd: examples,
      });
      assert.equal(changed.code, 0, changed.stdout + changed.stderr);
      await last.stop();
      last = await last.restart();
      await until('the examples are printed', () => last.output().includes('Ctrl-C stops'), 120_000);
      assert.match(last.output(), /^ {2}curl .*\/pycon$/m);
      const described = async (name: string): Promise<string> => (await last.cli(['describe', name])).stdout;
      assert.match(await described('pycon'), /^ team: web$/m);
      assert.match(await described('pycon'), /pycon-00002 /);
      assert.match(await described('hello-c'), /hello-c-00001 /);
    });
  });
});
