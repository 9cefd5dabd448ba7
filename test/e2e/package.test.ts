import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { startForeground } from '../support/foreground.ts';
import { copySource } from '../support/source-copy.ts';
import { tempDir } from '../support/temp-dir.ts';
import { tracesOf } from '../support/traces.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** A PATH with the machine's own Node, which may be as old as 20, and nothing of this project. */
function machinePath(t: TestContext): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const node = folders.map((folder) => join(folder, 'node')).find((file) => existsSync(file));
  assert.ok(node !== undefined, 'there is a Node on PATH beside the one in node_modules');
  const bin = tempDir(t);
  for (const name of ['node', 'npm', 'npx']) symlinkSync(join(dirname(node), name), join(bin, name));
  return [bin, '/usr/bin', '/bin', '/usr/sbin', '/sbin'].join(delimiter);
}

/** Packs a copy, so that no build output is left in the source tree. */
async function pack(
  t: TestContext,
  PATH: string,
): Promise<{ readonly file: string; readonly paths: readonly string[] }> {
  const dir = tempDir(t);
  copySource(dir, { dependencies: true });
  const env = { ...process.env, PATH, NODE_COMPILE_CACHE: undefined };
  const { stdout } = await run('npm', ['pack', '--json', '--loglevel=error'], { cwd: dir, env, maxBuffer: 2 ** 24 });
  const [report] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ];
  return { file: join(dir, report.filename), paths: report.files.map(({ path }) => path) };
}

suite('the published package', () => {
  test('holds what it needs and nothing else, installs on the Node the machine has, and is a platform', async (t) => {
    const PATH = machinePath(t);
    const { file, paths } = await pack(t, PATH);

    await t.test('its contents are the program, the page, templates, examples, dashboards and docs', () => {
      const wanted = [
        [
          'bin/tinderbox.mjs',
          'dist/cli/main.js',
          'dist/main.js',
          'package.json',
          'README.md',
          'LICENSE',
          'CHANGELOG.md',
        ],
        [
          'ui/index.html',
          'ui/app.js',
          'ui/style.css',
          'ui/icon.svg',
          'examples/stack.yaml',
          'templates/node/handler.js',
          'docs/cli.md',
          'deploy/grafana/tinderbox.json',
          'store/store.json',
          'store/figlet/package-lock.json',
        ],
        ['dist/engine/process/keeper/main.js', 'dist/builder/worker.js', 'dist/store/sqlite/worker.js'],
        ['dist/runtime/node/main.js', 'dist/runtime/python/main.py', 'dist/runtime/watchdog/main.js'],
      ].flat();
      assert.deepEqual(
        wanted.filter((path) => !paths.includes(path)),
        [],
      );
      const templates = readdirSync(join(root, 'templates'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)));
      assert.deepEqual(
        templates.filter((path) => !paths.includes(path)),
        [],
        'npm leaves out files of some names',
      );
      const roots = new Set(paths.map((path) => path.split('/')[0]));
      const allowed = ['bin', 'deploy', 'dist', 'docs', 'examples', 'store', 'templates', 'ui'];
      assert.deepEqual(
        [...roots].filter((name) => name?.includes('.') === false && !allowed.includes(name)),
        ['LICENSE'],
      );
      const foreign = /^dist\/.*(\.test\.|\.ts$|conformance|\/testing\/|\/fake\/|__pycache__|node_modules)/;
      assert.deepEqual(
        paths.filter((path) => foreign.test(path)),
        [],
      );
    });

    const dir = tempDir(t, 0o755);
    const env = { ...process.env, PATH, NODE_COMPILE_CACHE: undefined, npm_config_loglevel: 'error' };
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', file], { cwd: dir, env });

    await t.test('the platform starts, takes a function in each language, and Ctrl-C ends all of it', async (t) => {
      const base = tempDir(t);
      const folders = { stateDir: join(base, 's'), runDir: join(base, 'r') };
      const settings = {
        TINDERBOX_PORT: '0',
        TINDERBOX_PORTAL_PORT: '0',
        TINDERBOX_METRICS_PORT: '0',
        TINDERBOX_DATA_DIR: folders.stateDir,
        TINDERBOX_RUN_DIR: folders.runDir,
      };
      const up = startForeground(['npx', 'tinderbox', 'up'], { cwd: dir, env: { ...env, ...settings } });
      t.after(() => up.dispose());
      const [, url = ''] = await up.printed(/API and functions +(\S+)/);
      const [, portal = ''] = await up.printed(/portal +(\S+)/);

      const user = { ...env, OPENFAAS_URL: url, TINDERBOX_DATA_DIR: folders.stateDir };
      const work = join(base, 'work');
      mkdirSync(work);
      writeFileSync(join(work, 'hi.js'), 'module.exports = async (event) => `node got ${event.body}`;\n');
      writeFileSync(join(work, 'shout.py'), 'def handle(req):\n    return req.upper()\n');
      const call = async (name: string): Promise<string> => {
        return await (await fetch(`${url}/function/${name}`, { method: 'POST', body: 'a call' })).text();
      };
      await run('npx', ['tinderbox', 'deploy', join(work, 'hi.js')], { cwd: dir, env: user });
      assert.equal(await call('hi'), 'node got a call');
      // Not through npx, which puts the newer Node on PATH: the machine's own has to hand over.
      const launcher = join(dir, 'node_modules', '.bin', 'tinderbox');
      await run(launcher, ['deploy', join(work, 'shout.py')], { cwd: dir, env: user });
      assert.equal(await call('shout'), 'A CALL');
      await assert.rejects(run(launcher, ['describe', 'nothing'], { cwd: dir, env: user }), { code: 3 });

      const password = readFileSync(join(folders.stateDir, 'password'), 'utf8').trim();
      const headers = { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` };
      assert.equal((await fetch(portal, { headers })).status, 200);
      await up.interrupt();
      assert.match(up.output(), /stopping/);
      assert.deepEqual(tracesOf(folders), []);
    });
  });
});
