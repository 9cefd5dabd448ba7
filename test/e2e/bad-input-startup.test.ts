import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { startPlatform, type TestPlatform, usePlatform } from '../support/platform.ts';
import { rootRequirement } from '../support/require.ts';
import { processesOf } from '../support/traces.ts';
import { tempDir } from '../support/temp-dir.ts';

const program = resolve(import.meta.dirname, '../../bin/tinderbox.mjs');
const anyPorts = ['--port', '0', '--portal-port', '0', '--metrics-port', '0'];

interface Refusal {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

/** Runs a `tinderbox up` that is expected to end by itself. */
async function start(
  flags: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; wrapper?: readonly string[] } = {},
): Promise<Refusal> {
  const [file = '', ...args] = [...(options.wrapper ?? []), process.execPath, program, 'up', ...flags];
  const env = { ...process.env, NO_COLOR: '1', ...options.env };
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000, ...options });
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: out.join(''), stderr: err.join('') };
}

/** One error line, a hint where there is one, no stack, and the code. */
function assertRefused({ code, stdout, stderr }: Refusal, expected: number, message: RegExp): void {
  assert.match(stderr, message);
  assert.match(stderr, /^error: .+\n(hint: .+\n)?(?![^]*\n {4}at )/);
  assert.equal(code, expected, stderr);
  assert.doesNotMatch(stdout, /is up/);
}

suite('a platform that cannot start', () => {
  let platform: TestPlatform;
  let folders: readonly string[];
  before(async () => {
    platform = await startPlatform();
    folders = ['--data-dir', platform.stateDir, '--run-dir', platform.runDir];
    const body = JSON.stringify({ name: 'precious', value: 'value' });
    assert.equal((await platform.fetch('/system/secrets', { method: 'POST', body })).status, 202);
  });
  after(() => platform.dispose());

  function freshFolders(t: TestContext): string[] {
    const dir = tempDir(t);
    return ['--data-dir', join(dir, 's'), '--run-dir', join(dir, 'r')];
  }

  /** The platform again, with its secret, once what was wrong is put right. */
  async function assertStartsAgain(): Promise<void> {
    platform = await platform.restart();
    const secrets = (await (await platform.fetch('/system/secrets')).json()) as { name: string }[];
    assert.deepEqual(
      secrets.map(({ name }) => name),
      ['precious'],
    );
  }

  test('names the port that is taken, and leaves nothing behind', async (t) => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    t.after(() => holder.close());
    const port = String((holder.address() as AddressInfo).port);
    const flags = freshFolders(t);
    for (const flag of ['--port', '--portal-port', '--metrics-port']) {
      const refusal = await start([...flags, ...anyPorts, flag, port]);
      assertRefused(refusal, 5, new RegExp(`127\\.0\\.0\\.1:${port}.*\nhint: .*${flag}`));
    }
    assert.deepEqual(processesOf({ stateDir: flags[1] ?? '', runDir: flags[3] ?? '' }), []);
  });

  test('names an address this machine does not have', async (t) => {
    const refusal = await start([...freshFolders(t), ...anyPorts, '--host', '192.0.2.1']);
    assertRefused(refusal, 78, /192\.0\.2\.1/);
  });

  test('says which process holds the data folder, and that process goes on', async () => {
    const second = await start([...folders, ...anyPorts]);
    const holder = `in use by process ${platform.pid}\nhint: stop that platform first`;
    assertRefused(second, 5, new RegExp(holder));
    assert.equal((await platform.fetch('/system/functions')).status, 200);
  });

  test('names a data folder that cannot be written', async (t) => {
    const dir = tempDir(t);
    writeFileSync(join(dir, 'file'), '');
    for (const place of [join(dir, 'file'), join(dir, 'file', 'below'), '/proc/tinderbox']) {
      const refusal = await start(['--data-dir', place, '--run-dir', join(dir, 'r'), ...anyPorts]);
      assertRefused(refusal, 78, new RegExp(`data folder ${place} cannot be written by uid \\d+`));
    }
    const readOnly = join(dir, 'read-only');
    mkdirSync(readOnly, { mode: 0o500 });
    const flags = ['--data-dir', readOnly, '--run-dir', join(dir, 'r'), ...anyPorts];
    // To root only a file system is read-only.
    const mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"';
    const wrapper = process.getuid?.() === 0 ? ['unshare', '--mount', 'sh', '-c', mount, readOnly] : [];
    assertRefused(await start(flags, { wrapper }), 78, /read-only cannot be written by uid \d+/);
  });

  test('names the folder that keeps functions from the run folder', async (t) => {
    if (!rootRequirement(t, 'only root gives functions users of their own')) return;
    const dir = tempDir(t);
    chmodSync(dir, 0o700);
    const refusal = await start(['--data-dir', join(dir, 's'), '--run-dir', join(dir, 'r'), ...anyPorts]);
    assertRefused(refusal, 78, new RegExp(`runDir ${dir}/r: ${dir} has mode 700.*\nhint: chmod o\\+x ${dir}`));
  });

  test('refuses a run folder whose sockets would have names that are too long', async (t) => {
    const dir = join(tempDir(t), 'd'.repeat(100));
    const refusal = await start(['--data-dir', join(dir, 's'), '--run-dir', join(dir, 'r'), ...anyPorts]);
    assertRefused(refusal, 78, /characters|bytes/);
  });

  test('refuses settings that do not exist or make no sense, naming them', async (t) => {
    const dir = tempDir(t);
    const write = (name: string, text: string): string => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };
    const cases: readonly (readonly [flags: string[], code: number, message: RegExp])[] = [
      [['--port', '70000'], 78, /setting port is "70000", not a whole number from 0 to 65535/],
      [['--limits-body', 'much'], 78, /setting limits\.body "much" is not a quantity/],
      [['--user', 'a:b'], 78, /user "a:b" is not valid/],
      [['--log-level', 'loud'], 78, /log-level is "loud", not one of debug, info, warn, error/],
      [['--config', join(dir, 'absent.yaml')], 78, /cannot read .*absent\.yaml/],
      [['--config', write('unknown.yaml', 'prot: 80\n')], 78, /unknown\.yaml.* unknown setting "prot".*\nhint: .*port/],
      [['--config', write('deep.yaml', 'limits:\n  boddy: 1Mi\n')], 78, /unknown setting "limits\.boddy"/],
      [['--config', write('broken.yaml', 'port: 1\nhost: [\n')], 78, /broken\.yaml:3:1: /],
    ];
    await Promise.all(
      cases.map(async ([flags, code, message]) => {
        assertRefused(await start([...freshFolders(t), ...flags]), code, message);
      }),
    );
    const variable = await start(freshFolders(t), { env: { TINDERBOX_PORT: 'tcp://10.0.0.1:80' } });
    assertRefused(variable, 78, /setting port is "tcp:\/\/10\.0\.0\.1:80"/);
    const flag = await start(['--prot', '80']);
    assert.deepEqual([flag.code, /unknown option '--prot'/.test(flag.stderr)], [2, true], flag.stderr);
  });

  test('refuses a database that is damaged, of another program or of a newer one, and leaves it as it is', async () => {
    await platform.stop();
    const file = join(platform.stateDir, 'tinderbox.db');
    const good = readFileSync(file);
    const half = Buffer.from(good);
    half.fill(0x5a, 4096);
    const cases: readonly (readonly [bytes: Buffer, message: RegExp])[] = [
      [Buffer.from('not a database, but text\n'.repeat(100)), /database .*tinderbox\.db is damaged/],
      [half, /database .*tinderbox\.db is damaged/],
      [withNumber(good, 68, 7), /is a database of another program/],
      [withNumber(good, 60, 99), /has schema 99, this program knows only up to \d+/],
    ];
    for (const [bytes, message] of cases) {
      writeFileSync(file, bytes);
      assertRefused(await start([...folders, ...anyPorts]), 78, message);
      assert.ok(readFileSync(file).equals(bytes), String(message));
    }
    writeFileSync(file, good);
    await assertStartsAgain();
  });

  test('refuses a key of the secrets that is missing, wrong, damaged or open to others, and makes none', async () => {
    await platform.stop();
    const file = join(platform.stateDir, 'secrets.key');
    const good = readFileSync(file);
    renameSync(file, `${file}.away`);
    assertRefused(await start([...folders, ...anyPorts]), 78, /secrets\.key is missing, but 1 secrets? needs? it/);
    assert.equal(existsSync(file), false);
    const other = `${Buffer.alloc(32, 7).toString('base64')}\n`;
    const cases: readonly (readonly [text: string, mode: number, message: RegExp])[] = [
      [other, 0o600, /is not the one secrets\/openfaas-fn\/precious was encrypted with/],
      ['nonsense\n', 0o600, /has a line that is not a key/],
      ['', 0o600, /holds no key/],
      [good.toString(), 0o644, /has mode 0644: others than its owner may use it\nhint: chmod 600/],
    ];
    for (const [text, mode, message] of cases) {
      writeFileSync(file, text);
      chmodSync(file, mode);
      assertRefused(await start([...folders, ...anyPorts]), 78, message);
      assert.equal(readFileSync(file, 'utf8'), text);
    }
    rmSync(file);
    renameSync(`${file}.away`, file);
    await assertStartsAgain();
    assert.ok(readFileSync(file).equals(good));
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test('refuses a password file that cannot be one, and makes no other', async () => {
    await platform.stop();
    const file = join(platform.stateDir, 'password');
    const good = readFileSync(file, 'utf8');
    for (const text of ['', 'two\nlines\n']) {
      writeFileSync(file, text);
      assertRefused(await start([...folders, ...anyPorts]), 78, /the password in .*password must have 1 to 1024/);
      assert.equal(readFileSync(file, 'utf8'), text);
    }
    writeFileSync(file, good);
    await assertStartsAgain();
  });
});

test('two platforms of one machine share no user ids, and one that is told to is refused', async (t) => {
  if (!rootRequirement(t, 'only root gives functions users of their own')) return;
  const dir = tempDir(t);
  chmodSync(dir, 0o711);
  const folders = ['--data-dir', join(dir, 's'), '--run-dir', join(dir, 'r')];
  const uids: number[] = [];
  for (const platform of [await usePlatform(t), await usePlatform(t)]) {
    await deployFiles(platform, 'mine', { 'handler.js': 'module.exports = async () => process.getuid();\n' });
    const uid = Number(await (await platform.fetch('/function/mine')).text());
    uids.push(uid);
    const overlapping = await start(['--uids', `${uid}-${uid + 5}`, ...folders, ...anyPorts]);
    assertRefused(
      overlapping,
      5,
      /^error: the user ids \d+-\d+ overlap \d+-\d+ of the platform with data folder \S+\nhint: .*--uids/,
    );
    assert.ok(overlapping.stderr.includes(platform.stateDir), overlapping.stderr);
  }
  const [one = 0, two = 0] = uids;
  assert.ok(Math.abs(one - two) > 10_000, `${one} and ${two}`);
});

/** A database with another number in its header (https://www.sqlite.org/fileformat.html, section 1.3). */
function withNumber(database: Buffer, offset: number, value: number): Buffer {
  const bytes = Buffer.from(database);
  bytes.writeUInt32BE(value, offset);
  return bytes;
}
