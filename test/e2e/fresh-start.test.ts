import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { startForeground } from '../support/foreground.ts';
import { copySource } from '../support/source-copy.ts';
import { tempDir } from '../support/temp-dir.ts';
import { tracesOf } from '../support/traces.ts';

const run = promisify(execFile);
const asRoot = process.getuid?.() === 0;

/** What each example answers to its printed line. */
const answers: Readonly<Record<string, RegExp>> = {
  hello: /hello/i,
  pycon: /^hello pycon$/,
  'py-dependency': /xn--bcher-kva/,
  wordcount: /\b5\b/,
  'hello-c': /hello function/,
  stream: /\S/,
  'fetch-ts': /\S/,
};

suite('npm start in a fresh clone', () => {
  test('brings the platform up with the examples, whose printed lines answer, until Ctrl-C', async (t) => {
    // Nobody else can pass through the folder: what functions run on has to be elsewhere.
    const clone = tempDir(t, 0o700);
    copySource(clone, { dependencies: true });
    const home = join(clone, 'home');
    mkdirSync(home);
    const stateDir = join(home, '.local', 'share', 'tinderbox');
    const PATH = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
    const env = {
      ...process.env,
      // As on a machine where nothing ran before.
      NODE_COMPILE_CACHE: undefined,
      PATH: PATH.join(delimiter),
      HOME: home,
      npm_config_cache: join(home, '.npm'),
      TINDERBOX_PORT: '0',
      TINDERBOX_PORTAL_PORT: '0',
      TINDERBOX_METRICS_PORT: '0',
    };
    const platform = startForeground(['npm', 'start'], { cwd: clone, env });
    // Where the run folder is by default: as root outside of the home folder, through which nobody else may pass.
    const digest = createHash('sha256').update(stateDir).digest('hex').slice(0, 8);
    const runDir = asRoot ? join('/var/lib/tinderbox-run', digest) : `${stateDir}-run`;
    t.after(async () => {
      await platform.dispose();
      rmSync(runDir, { recursive: true, force: true });
    });
    await platform.printed(/Ctrl-C stops/, 120_000);
    const lines = platform.output().match(/^\s*curl .+$/gm) ?? [];
    assert.equal(lines.length, Object.keys(answers).length, platform.output());
    for (const line of lines) {
      const name = /\/function\/(\S+)/.exec(line)?.[1] ?? '';
      const { stdout } = await run('sh', ['-c', line.replace('curl', 'curl --silent --show-error --fail')]);
      assert.match(stdout.trim(), answers[name] ?? /^$/, line);
    }
    if (asRoot) {
      const [, url = ''] = await platform.printed(/API and functions +(\S+)/);
      const tinderbox = join(clone, 'bin', 'tinderbox.mjs');
      const { stdout } = await run(tinderbox, ['describe', 'hello', '-g', url], { env });
      // Of the usual range or, where others have it, of a later one.
      assert.ok(Number(/uid (\d+)/.exec(stdout)?.[1]) >= 200_000, stdout);
      assert.doesNotMatch(stdout, /missing/i);
    }
    await platform.interrupt();
    assert.match(platform.output(), /stopping/);
    assert.deepEqual(tracesOf({ stateDir, runDir }), []);
  });
});
