import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { array, assert as assertProperty, asyncProperty, integer, nat, tuple } from 'fast-check';
import { pack } from 'tar-stream';
import { tempDir } from '../../test/support/temp-dir.ts';
import { packSource } from '../client/pack-source.ts';
import { defaultUnpackLimits, unpackSource } from './unpack.ts';

type Entry = readonly [header: Parameters<ReturnType<typeof pack>['entry']>[0], text?: string];

const config: Entry = [{ name: 'com.openfaas.docker.config' }, '{"image":"a:1","buildArgs":{"K":"v"}}'];
const handler: Entry = [{ name: 'context/handler.js' }, 'hello'];

async function archive(...entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const [header, text = ''] of entries) tar.entry(header, text);
  tar.finalize();
  return await buffer(tar as unknown as Readable);
}

const limits = { ...defaultUnpackLimits, bytes: 256 * 1024, fileBytes: 64 * 1024, entries: 50 };

test('unpacks files, folders and executable bits, plain and gzipped, and reads the config', async (t) => {
  const root = tempDir(t);
  const tar = await archive(
    config,
    [{ name: './context/lib/', type: 'directory' }],
    [{ name: 'context/lib/run.sh', mode: 0o775 }, '#!/bin/sh\n'],
    handler,
  );
  for (const [name, bytes] of [
    ['plain', tar],
    ['gzip', gzipSync(tar)],
  ] as const) {
    const dir = join(root, name);
    const result = await unpackSource(Readable.from([bytes]), dir, limits);
    assert.deepEqual(result, { config: { image: 'a:1', buildArgs: { K: 'v' }, platforms: [] }, files: 2, bytes: 15 });
    assert.equal(readFileSync(join(dir, 'handler.js'), 'utf8'), 'hello');
    assert.equal(statSync(join(dir, 'lib/run.sh')).mode & 0o777, 0o755);
    assert.equal(statSync(join(dir, 'handler.js')).mode & 0o777, 0o644);
  }
});

test('takes an archive as GNU tar makes it, in any pieces', async (t) => {
  const root = tempDir(t);
  const source = join(root, 'source');
  mkdirSync(join(source, 'context'), { recursive: true });
  writeFileSync(join(source, 'context', `${'long-'.repeat(30)}name.js`), 'x');
  writeFileSync(join(source, 'com.openfaas.docker.config'), '{"image":"a"}');
  const tar = execFileSync('tar', ['-cf', '-', '-C', source, 'context', 'com.openfaas.docker.config']);
  const pieces = Array.from({ length: Math.ceil(tar.length / 700) }, (_, i) => tar.subarray(i * 700, i * 700 + 700));
  const result = await unpackSource(Readable.from(pieces), join(root, 'out'), limits);
  assert.equal(result.files, 1);
});

test('refuses entries that are no files, leave the folder or collide, naming them, and leaves nothing', async (t) => {
  const root = tempDir(t);
  const refused: [string, readonly Entry[], string, RegExp][] = [
    [
      'symlink',
      [config, [{ name: 'context/l', type: 'symlink', linkname: '/etc' }]],
      'invalid',
      /"context\/l" is a symlink/,
    ],
    ['hard link', [config, [{ name: 'context/l', type: 'link', linkname: 'x' }]], 'invalid', /is a link/],
    ['device', [config, [{ name: 'context/d', type: 'character-device' }]], 'invalid', /is a character-device/],
    ['fifo', [config, [{ name: 'context/p', type: 'fifo' }]], 'invalid', /is a fifo/],
    ['absolute', [config, [{ name: '/context/a' }]], 'invalid', /"\/context\/a" has an absolute path/],
    ['dots', [config, [{ name: 'context/../../a' }]], 'invalid', /leaves the folder/],
    ['elsewhere', [config, [{ name: 'other/a' }]], 'invalid', /"other\/a" is neither/],
    ['bare name', [config, [{ name: 'context' }, 'x']], 'invalid', /is neither/],
    ['control', [config, [{ name: 'context/a\nb' }]], 'invalid', /character in its path/],
    ['backslash', [config, [{ name: 'context/..\\a' }]], 'invalid', /character in its path/],
    ['twice', [config, handler, [{ name: 'context//./handler.js' }, 'evil']], 'invalid', /"handler.js" occurs twice/],
    ['file as folder', [config, handler, [{ name: 'context/handler.js/x' }]], 'invalid', /both a file and a folder/],
    ['folder as file', [config, [{ name: 'context/a/b' }, ''], [{ name: 'context/a' }, '']], 'invalid', /occurs twice/],
    ['two configs', [config, config, handler], 'invalid', /occurs twice/],
    ['no config', [handler], 'invalid', /has no entry "com.openfaas.docker.config"/],
    ['no files', [config], 'invalid', /no file below "context\/"/],
    ['nothing', [], 'invalid', /has no entry/],
    ['long path', [config, [{ name: `context/${'a/'.repeat(600)}b` }]], 'invalid', /more than 1024 bytes/],
    ['big file', [config, [{ name: 'context/a' }, 'x'.repeat(70_000)]], 'too-large', /70000 bytes, the limit is 65536/],
    ['bad config', [[{ name: 'com.openfaas.docker.config' }, '{'], handler], 'invalid', /config is not JSON/],
    ['bad image', [[{ name: 'com.openfaas.docker.config' }, '{"image":"-"}'], handler], 'invalid', /image "-"/],
    ['odd field', [[{ name: 'com.openfaas.docker.config' }, '{"image":"a","x":1}'], handler], 'invalid', /field "x"/],
    [
      'many',
      [config, ...Array.from({ length: 60 }, (_, i) => [{ name: `context/${i}` }] as const)],
      'too-large',
      /50 entries/,
    ],
  ];
  for (const [name, entries, code, message] of refused) {
    const dir = join(root, 'out');
    const bytes = await archive(...entries);
    await assert.rejects(unpackSource(Readable.from([bytes]), dir, limits), { code, message }, name);
    assert.ok(!existsSync(dir), name);
  }
});

test('refuses archives that are cut off at any place, endless, bombs, or no archives at all', async (t) => {
  const root = tempDir(t);
  const dir = join(root, 'out');
  const whole = await archive(config, handler, [{ name: 'context/b' }, 'x'.repeat(2000)]);
  for (let length = 0; length <= whole.length - 1024; length += 256) {
    const cut = unpackSource(Readable.from([whole.subarray(0, length)]), dir, limits);
    await assert.rejects(cut, { code: 'invalid' }, `${length} bytes`);
  }
  const zipped = gzipSync(whole);
  const half = unpackSource(Readable.from([zipped.subarray(0, zipped.length - 20)]), dir, limits);
  await assert.rejects(half, { code: 'invalid', message: /cut off/ });
  function* endless(): Generator<Buffer> {
    for (;;) yield Buffer.alloc(65_536);
  }
  await assert.rejects(unpackSource(Readable.from(endless()), dir, limits), { code: 'too-large' });
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  await assert.rejects(unpackSource(Readable.from([bomb]), dir, limits), { code: 'too-large' });
  await assert.rejects(unpackSource(Readable.from(['<html>no tar</html>']), dir, limits), { code: 'invalid' });
  assert.ok(!existsSync(dir));
});

test('ends with the client that leaves or stalls', async (t) => {
  const dir = join(tempDir(t), 'out');
  const whole = await archive(config, handler);
  const left = new Readable({ read: () => undefined });
  left.push(whole.subarray(0, 700));
  setImmediate(() => left.destroy(new Error('aborted')));
  await assert.rejects(unpackSource(left, dir, limits), { code: 'invalid' });
  const stalled = new Readable({ read: () => undefined });
  stalled.push(whole.subarray(0, 700));
  const control = new AbortController();
  setTimeout(() => control.abort(), 20);
  await assert.rejects(unpackSource(stalled, dir, limits, control.signal), { code: 'canceled' });
  const silent = new Readable({ read: () => undefined });
  const early = new AbortController();
  setTimeout(() => early.abort(), 20);
  await assert.rejects(unpackSource(silent, dir, limits, early.signal), { code: 'canceled' });
  assert.ok(stalled.destroyed && silent.destroyed);
  assert.ok(!existsSync(dir));
});

test('survives any bytes: it unpacks or rejects, and never leaves a folder behind a rejection', async (t) => {
  const root = tempDir(t);
  const whole = await archive(config, handler, [{ name: 'context/b', mode: 0o755 }, 'x'.repeat(600)]);
  let round = 0;
  const flip = tuple(nat(whole.length - 1), integer({ min: 0, max: 255 }));
  await assertProperty(
    asyncProperty(array(flip, { minLength: 1, maxLength: 20 }), async (flips) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of flips) bytes[at] = value;
      const dir = join(root, String(round++));
      const outcome = await unpackSource(Readable.from([bytes]), dir, limits).then(
        () => true,
        (error: { code: string }) => error.code,
      );
      assert.ok(outcome === true || outcome === 'invalid' || outcome === 'too-large', String(outcome));
      assert.equal(existsSync(dir), outcome === true);
    }),
    { numRuns: 100 },
  );
});

test('what packSource packs is what unpackSource unpacks, with the same bytes for the same files', async (t) => {
  const root = tempDir(t);
  const make = (name: string): string => {
    const folder = join(root, name);
    for (const skipped of ['node_modules/x', '.git', 'build', 'template', 'lib/__pycache__']) {
      mkdirSync(join(folder, skipped), { recursive: true });
      writeFileSync(join(folder, skipped, 'skipped'), name);
    }
    writeFileSync(join(folder, 'handler.py'), 'def handle(req):\n  return req\n', { mode: 0o755 });
    writeFileSync(join(folder, 'lib/empty.py'), '');
    symlinkSync('handler.py', join(folder, 'alias.py'));
    return folder;
  };
  const options = { image: 'a:1', lang: 'python3', buildArgs: { K: 'v' } };
  const one = await buffer(await packSource(make('one'), options));
  assert.deepEqual(one, await buffer(await packSource(make('other'), options)));
  const result = await unpackSource(Readable.from([one]), join(root, 'out'), limits);
  assert.deepEqual(result.config, { ...options, platforms: [] });
  assert.equal(result.files, 3);
  assert.equal(statSync(join(root, 'out/handler.py')).mode & 0o777, 0o755);
  assert.ok(!statSync(join(root, 'out/alias.py')).isSymbolicLink());
});

test('packSource takes a single file and refuses what it cannot send', async (t) => {
  const root = tempDir(t);
  writeFileSync(join(root, 'hello.js'), 'x');
  const single = await packSource(join(root, 'hello.js'), { image: 'a' });
  const result = await unpackSource(single, join(root, 'out'), limits);
  assert.equal(result.files, 1);
  assert.ok(existsSync(join(root, 'out/hello.js')));
  await assert.rejects(packSource(join(root, 'gone'), { image: 'a' }), { code: 'not-found' });
  mkdirSync(join(root, 'links'));
  await assert.rejects(packSource(join(root, 'links'), { image: 'a' }), { code: 'invalid', message: /holds no file/ });
  symlinkSync('/etc/passwd', join(root, 'links/passwd'));
  await assert.rejects(packSource(join(root, 'links'), { image: 'a' }), {
    code: 'invalid',
    message: /leaves the folder/,
  });
});
