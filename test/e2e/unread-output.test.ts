import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { startPlatform } from '../support/platform.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

const main = resolve(import.meta.dirname, '../../bin/tinderbox.mjs');
const slow = `export default {
  fetch: () => new Response(ReadableStream.from((async function* () {
    yield 'begun ';
    await new Promise((done) => setTimeout(done, 1500));
    yield 'done';
  })())),
};
`;

test('a platform whose output nobody reads any more finishes its calls, as when Ctrl-C ends `tee`, too', {
  timeout: 120_000,
}, async (t) => {
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'slow.mjs'), slow);
  const folders = { stateDir: join(cwd, 'd'), runDir: join(cwd, 'r') };
  const first = await startPlatform([], folders);
  assert.equal((await first.cli(['deploy', 'slow.mjs'], { cwd })).code, 0);
  assert.equal(await first.stop(), 0);

  const flags = ['--port', '0', '--portal-port', '0', '--metrics-port', '0', '--log-level', 'debug'];
  const args = [main, 'up', ...flags, '--data-dir', folders.stateDir, '--run-dir', folders.runDir];
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const [, url = ''] = await until('it is up', () => /API and functions +(\S+)\n[^]*password/.exec(printed));
  const reply = await fetch(`${url}/function/slow`);
  const body = reply.body?.getReader();
  assert.equal(new TextDecoder().decode((await body?.read())?.value), 'begun ');
  child.stdout.destroy();
  child.stderr.destroy();
  child.kill('SIGINT');
  assert.equal(new TextDecoder().decode((await body?.read())?.value), 'done');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});
