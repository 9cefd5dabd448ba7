import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type TestPlatform, startPlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type Toolchain, installToolchain, systemPath } from './toolchains.ts';

/** A template, what it needs, and the command that runs the test in it. */
interface Trial extends Toolchain {
  readonly name: string;
  readonly ownTest: readonly string[];
}

const none = { programs: [], packages: [] };
const golang = { programs: ['go'], packages: ['golang-go'], ownTest: ['go', 'test', './...'] };
const nodeTest = [process.execPath, '--test'];
const pythonTest = ['python3', '-m', 'unittest'];

const jvm = {
  programs: ['javac', 'mvn'],
  packages: ['default-jdk-headless', 'maven'],
  ownTest: ['mvn', '--batch-mode', '--no-transfer-progress', '--quiet', 'test'],
};

const trials: readonly Trial[] = [
  { name: 'node', ...none, ownTest: nodeTest },
  { name: 'typescript', ...none, ownTest: nodeTest },
  { name: 'python3', ...none, ownTest: pythonTest },
  { name: 'python3-classic', ...none, ownTest: pythonTest },
  { name: 'exec', ...none, ownTest: ['./test.sh'] },
  { name: 'c', programs: ['make', 'cc'], packages: ['make', 'gcc', 'libc6-dev'], ownTest: ['make', 'test'] },
  { name: 'bash-streaming', ...none, ownTest: ['./test.sh'] },
  { name: 'python3-asgi', ...none, ownTest: pythonTest },
  {
    name: 'python3-flask',
    programs: ['flask'],
    packages: ['python3-flask'],
    ownTest: pythonTest,
  },
  {
    name: 'ruby',
    programs: ['ruby'],
    packages: ['ruby', 'ruby-webrick', 'ruby-minitest'],
    ownTest: ['ruby', 'handler_test.rb'],
  },
  { name: 'php', programs: ['php', 'composer'], packages: ['php-cli', 'composer'], ownTest: ['php', 'test.php'] },
  { name: 'perl', programs: ['perl', 'prove'], packages: ['perl'], ownTest: ['prove', '-I.', 'test.t'] },
  { name: 'lua', programs: ['lua5.4'], packages: ['lua5.4'], ownTest: ['lua5.4', 'test.lua'] },
  { name: 'cobol', programs: ['cobc'], packages: ['gnucobol'], ownTest: ['./test.sh'] },
  { name: 'java', ...jvm },
  { name: 'kotlin', ...jvm },
  {
    name: 'rust',
    programs: ['cargo', 'rustc', 'cc'],
    packages: ['cargo-web', 'rustc-web', 'gcc', 'libc6-dev'],
    ownTest: ['cargo', 'test'],
  },
  { name: 'go', ...golang },
  { name: 'golang-http', ...golang },
  { name: 'golang-middleware', ...golang },
];

suite('every template, on a real platform', () => {
  let platform: TestPlatform;
  let home: string;
  before(async () => {
    platform = await startPlatform();
    // One for all, so that what a toolchain caches is made once.
    home = mkdtempSync(join(tmpdir(), 'tbp-home-'));
  });
  after(async () => {
    await platform.dispose();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });

  for (const trial of trials) {
    const { name, ownTest } = trial;
    test(`${name}: made, deployed, called, and its own test run`, { timeout: 600_000 }, async (t) => {
      const missing = installToolchain(trial);
      if (!requirement(t, missing.length === 0, `${missing.join(' and ')} cannot be had here`)) return;
      const cwd = tempDir(t);
      const fn = `trial-${name}`;
      const made = await platform.cli(['new', fn, '--lang', name], { cwd });
      assert.equal(made.code, 0, made.stderr);
      const [program = '', ...args] = ownTest;
      const env = { PATH: systemPath, HOME: home, TMPDIR: cwd, GOFLAGS: '-modcacherw' };
      const tested = spawnSync(program, args, { cwd: join(cwd, fn), env, encoding: 'utf8' });
      assert.equal(tested.status, 0, `${tested.stdout}${tested.stderr}`);
      const deployed = await platform.cli(['deploy', '--timeout', '9m'], { cwd });
      assert.equal(deployed.code, 0, `${deployed.stdout}${deployed.stderr}`);
      const answer = await platform.fetch(`/function/${fn}`, { method: 'POST', body: 'you' });
      assert.deepEqual([answer.status, (await answer.text()).trim()], [200, 'hello you']);
    });
  }

  test('none is left out', () => {
    const folders = readdirSync(resolve(import.meta.dirname, '../../templates'));
    assert.deepEqual(trials.map(({ name }) => name).sort(), folders.sort());
  });
});
