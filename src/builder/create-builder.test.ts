import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { rootRequirement } from '../../test/support/require.ts';
import { until } from '../../test/support/until.ts';
import { startBuilder } from '../../test/support/builder.ts';
import type { TestBuilder } from '../../test/support/builder.ts';
import { createBuilder } from './create-builder.ts';

const hello = { 'handler.js': 'module.exports = async () => "hello";\n' };

describe('a builder', () => {
  let kit: TestBuilder;
  before(async () => {
    kit = await startBuilder();
  });
  after(async () => {
    await kit.dispose();
  });

  test('makes an artifact of a plain handler and records it under its image name', async () => {
    const { artifact } = await kit.build(hello, { image: 'plain:1' });
    assert.match(artifact.digest, /^sha256:[0-9a-f]{64}$/);
    assert.equal(artifact.manifest.handler, 'code/handler.js');
    assert.equal(artifact.manifest.language, 'node');
    assert.equal(artifact.manifest.toolchain, `node ${process.versions.node}`);
    assert.equal(readFileSync(join(artifact.directory, 'code/handler.js'), 'utf8'), hello['handler.js']);
    assert.deepEqual(JSON.parse(readFileSync(join(artifact.directory, 'manifest.json'), 'utf8')), artifact.manifest);
    assert.deepEqual(await kit.builder.resolve('plain:1'), artifact);
    assert.deepEqual(await kit.builder.artifact(artifact.digest), artifact);
    assert.equal(await kit.builder.resolve('plain:2'), undefined);
  });

  test('builds a plain handler in less than 100 ms once its worker runs', async () => {
    await kit.build({ 'handler.js': '// 0' });
    const times: number[] = [];
    for (let round = 1; round <= 5; round += 1) {
      const begin = performance.now();
      await kit.build({ 'handler.js': `// ${round}` });
      times.push(performance.now() - begin);
    }
    assert.ok(Math.min(...times) < 100, `${times.map(Math.round).join(', ')} ms`);
  });

  test('gives equal sources one digest wherever they lie, whoever owns them and whenever they were written', async () => {
    const files = { ...hello, '!tool.sh': '#!/bin/sh\n', 'lib/a.js': '1' };
    const first = kit.source(files);
    const second = kit.source(files);
    utimesSync(join(second, 'lib/a.js'), 1, 1);
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', '12345:12345', second]);
    chmodSync(join(second, 'lib/a.js'), 0o600);
    const one = await kit.build({}, { directory: first });
    const other = await kit.build({}, { directory: second });
    assert.equal(one.artifact.digest, other.artifact.digest);
    assert.match(other.log.join('\n'), /nothing changed/);
  });

  test('gives another digest to another content, path, executable bit, language, process or build arg', async () => {
    const files = { '!run': '#!/bin/sh\ncat\n', 'note.txt': 'a' };
    const base = { language: 'exec', process: './run' };
    const digests = [
      await kit.build(files, base),
      await kit.build({ ...files, 'note.txt': 'b' }, base),
      await kit.build({ '!run': files['!run'], 'notes.txt': 'a' }, base),
      await kit.build({ ...files, '!other': '' }, base),
      await kit.build({ ...files, other: '' }, base),
      await kit.build(files, { ...base, process: './run now' }),
      await kit.build(files, { ...base, mode: 'http' }),
      await kit.build(files, { ...base, buildArgs: { A: '1' } }),
    ].map(({ artifact }) => artifact.digest);
    assert.equal(new Set(digests).size, digests.length);
  });

  test('lets only the artifact’s own group read it, and nobody write', async (t) => {
    if (!rootRequirement(t)) return;
    const { artifact } = await kit.build({ ...hello, '!tool.sh': '#!/bin/sh\n', 'lib/a.js': '2' });
    const facts = (path: string): string => {
      const stats = statSync(join(artifact.directory, path));
      return `${stats.uid}:${stats.gid === artifact.gid} ${(stats.mode & 0o7777).toString(8)}`;
    };
    assert.equal(artifact.gid, await kit.identities.assign('artifact', artifact.digest.slice(7)));
    assert.equal(facts('.'), '0:true 750');
    assert.equal(facts('manifest.json'), '0:true 640');
    assert.equal(facts('code/lib'), '0:true 750');
    assert.equal(facts('code/lib/a.js'), '0:true 640');
    assert.equal(facts('code/tool.sh'), '0:true 750');
    const read = (groups: string): string => {
      const args = ['--reuid', '219999', '--regid', '219999', `--groups=${groups}`, 'cat'];
      return execFileSync('setpriv', [...args, join(artifact.directory, 'code/lib/a.js')], { encoding: 'utf8' });
    };
    assert.equal(read(String(artifact.gid)), '2');
    assert.throws(() => read('219999'), /Permission denied/);
  });

  test('reports an artifact whose directory is gone as not there and makes it again', async () => {
    const { artifact } = await kit.build(hello, { image: 'gone:1' });
    rmSync(artifact.directory, { recursive: true });
    assert.equal(await kit.builder.resolve('gone:1'), undefined);
    assert.equal(await kit.builder.artifact(artifact.digest), undefined);
    const again = await kit.build(hello, { image: 'gone:1' });
    assert.equal(again.artifact.digest, artifact.digest);
    assert.equal((await kit.builder.resolve('gone:1'))?.digest, artifact.digest);
  });

  test('builds again when told not to look at what is there', async () => {
    const { artifact } = await kit.build(hello);
    const forced = await kit.build(hello, { noCache: true });
    assert.equal(forced.artifact.digest, artifact.digest);
    assert.ok(forced.artifact.builtAt > artifact.builtAt);
    assert.doesNotMatch(forced.log.join('\n'), /nothing changed/);
  });

  test('collects what no name and no caller refers to, and only that', async () => {
    const named = await kit.build({ 'handler.js': '// named' }, { image: 'named:1' });
    const kept = await kit.build({ 'handler.js': '// kept' }, { image: 'moving:1' });
    const dropped = await kit.build({ 'handler.js': '// dropped' }, { image: 'moving:1' });
    await kit.build({ 'handler.js': '// last' }, { image: 'moving:1' });
    const gone = await kit.builder.collect(new Set([kept.artifact.digest]));
    assert.ok(gone.includes(dropped.artifact.digest));
    assert.ok(!gone.includes(named.artifact.digest) && !gone.includes(kept.artifact.digest));
    assert.equal(await kit.builder.artifact(dropped.artifact.digest), undefined);
    assert.throws(() => statSync(dropped.artifact.directory), /ENOENT/);
    assert.ok(await kit.builder.artifact(kept.artifact.digest));
    assert.ok((await kit.builder.images()).some(({ image }) => image === 'named:1'));
  });

  test('runs one build for equal requests at the same time and gives both the log', async () => {
    const files = { Makefile: 'handler:\n\techo built-once\n\tprintf "#!/bin/sh\\n" > handler\n\tchmod +x handler\n' };
    const request = { language: 'exec' };
    const [one, other] = await Promise.all([
      kit.build(files, { ...request, image: 'twin:1' }),
      kit.build(files, { ...request, image: 'twin:2' }),
    ]);
    assert.deepEqual(one.artifact, other.artifact);
    for (const { log } of [one, other]) assert.ok(log.includes('built-once'), log.join('\n'));
    assert.equal((await kit.builder.resolve('twin:2'))?.digest, one.artifact.digest);
  });

  test('goes on with a shared build when one of two callers leaves, and ends it with the last', async () => {
    const files = { Makefile: 'all:\n\tsleep 0.5\n\tprintf "#!/bin/sh\\n" > handler && chmod +x handler\n' };
    const leaving = new AbortController();
    const first = kit.build(files, { language: 'exec' }, leaving.signal);
    const second = kit.build(files, { language: 'exec' });
    setTimeout(() => leaving.abort(), 200);
    await assert.rejects(first, { code: 'canceled' });
    assert.equal((await second).artifact.manifest.process, './handler');

    const alone = new AbortController();
    const endless = { 'build.sh': 'echo started; sleep 1000\n' };
    const third = kit.build(endless, { language: 'exec' }, alone.signal);
    setTimeout(() => alone.abort(), 300);
    await assert.rejects(third, { code: 'canceled' });
    await assertNothingLeft(kit);
  });

  test('leaves no folder, record or name behind when a build fails', async () => {
    const before = readdirSync(join(kit.runDir, 'artifacts')).sort();
    const records = await kit.store.list('artifacts/');
    const failing = kit.build({ 'build.sh': 'echo about to fail >&2\nexit 3\n' }, { language: 'exec', image: 'bad:1' });
    await assert.rejects(failing, (error: Error & { code: string }) => {
      assert.equal(error.code, 'build-failed');
      assert.match(error.message, /script failed: exited with code 3[^]*about to fail/);
      return true;
    });
    assert.deepEqual(readdirSync(join(kit.runDir, 'artifacts')).sort(), before);
    assert.deepEqual(await kit.store.list('artifacts/'), records);
    assert.equal(await kit.builder.resolve('bad:1'), undefined);
  });

  test('refuses what it cannot build, naming it', async () => {
    const refused: [Record<string, string>, object, RegExp][] = [
      [{ 'a.txt': '' }, {}, /no language recognised from a.txt; known are node/],
      [hello, { language: 'brainfuck' }, /language "brainfuck" is not known; known are node/],
      [{ 'x/y.js': '' }, { language: 'node' }, /no handler found/],
      [hello, { image: 'no spaces' }, /image "no spaces" is not a name/],
      [hello, { image: 'a/../b' }, /is not a name/],
      [hello, { namespace: 'No' }, /namespace name "No"/],
      [hello, { buildArgs: { 'A B': '' } }, /build arg "A B"/],
      [hello, { process: './x', language: 'node' }, /process and mode belong to exec functions/],
      [{ 'a.txt': '' }, { language: 'exec' }, /no process given/],
      [{ '!a': '' }, { language: 'exec', mode: 'tcp' }, /mode "tcp" is not one of fork, http, classic/],
      [{ 'package.json': '{', ...hello }, {}, /package.json is not JSON/],
    ];
    for (const [files, request, message] of refused) {
      await assert.rejects(kit.build(files, request), { code: 'invalid', message }, String(message));
    }
  });
});

test('a builder refuses builds beyond its queue and keeps building', async (t) => {
  const kit = await startBuilder({ concurrent: 1 });
  t.after(() => kit.dispose());
  const control = new AbortController();
  const running = Array.from({ length: 101 }, () =>
    kit.build({}, { directory: '/nonexistent' }, control.signal).catch((error: { code: string }) => error.code),
  );
  await assert.rejects(kit.build(hello), { code: 'queue-full' });
  assert.ok((await Promise.all(running)).every((code) => code === 'internal'));
  assert.ok((await kit.build(hello)).artifact);
});

test('a builder that closes ends its builds and leaves nothing behind', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  const directory = kit.source({ 'build.sh': 'echo on; sleep 1000 & setsid sleep 1000\n' });
  const request = { namespace: 'openfaas-fn', image: 'test:latest', language: 'exec', buildArgs: {}, noCache: false };
  const closeOnceItRuns = (line: string): void => {
    if (line === 'on') void kit.builder.close();
  };
  const building = kit.builder.build({ ...request, directory }, closeOnceItRuns, AbortSignal.timeout(20_000));
  await assert.rejects(building, { code: 'canceled' });
  await assertNothingLeft(kit);
  await assert.rejects(kit.build(hello), { code: 'unavailable' });
});

test('an artifact that a forced build had moved aside when the platform was killed is there again after a start', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  const { artifact } = await kit.build(hello, { image: 'aside:1' });
  const again = await kit.build(hello, { image: 'aside:1', noCache: true });
  assert.equal(again.artifact.digest, artifact.digest);
  assert.deepEqual(readdirSync(join(kit.runDir, 'artifacts')), [basename(artifact.directory)]);
  renameSync(artifact.directory, join(dirname(artifact.directory), `.old-${basename(artifact.directory)}`));
  assert.equal(await kit.builder.resolve('aside:1'), undefined);
  const build = { timeoutMs: 1000, memoryBytes: 2 ** 28, diskBytes: 2 ** 28, concurrent: 1, env: {} };
  const next = await createBuilder({ ...kit, build });
  t.after(() => next.close());
  assert.equal((await next.resolve('aside:1'))?.digest, artifact.digest);
});

test('what is built while artifacts are collected is not taken for one that nobody refers to', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  const list = kit.store.list.bind(kit.store);
  let built = false;
  kit.store.list = async (prefix) => {
    const before = await list(prefix);
    if (prefix === 'images/' && !built) {
      built = true;
      await kit.build(hello, { image: 'meanwhile:1' });
    }
    return before;
  };
  assert.deepEqual(await kit.builder.collect(new Set()), []);
  assert.notEqual(await kit.builder.resolve('meanwhile:1'), undefined);
});

test('what was built before is not collected from under whoever builds it again meanwhile', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  await kit.build({ 'handler.js': '// first' }, { image: 'moving:1' });
  await kit.build({ 'handler.js': '// other' }, { image: 'moving:1' });
  await kit.build({ 'handler.js': '// last' }, { image: 'moving:1' });
  const remove = kit.store.delete.bind(kit.store);
  const again: string[] = [];
  kit.store.delete = async (key, expected) => {
    // The first of two is on its way out: the sources of both are built again.
    if (key.startsWith('artifacts/') && again.length === 0) {
      again.push('first', 'other');
      const other = await kit.builder.artifact(`sha256:${key.slice('artifacts/'.length)}`);
      const isFirst = readFileSync(join(other?.directory ?? '', 'code/handler.js'), 'utf8') === '// first';
      await kit.build({ 'handler.js': isFirst ? '// other' : '// first' }, { image: 'again:1' });
    }
    return await remove(key, expected);
  };
  assert.equal((await kit.builder.collect(new Set())).length, 1);
  assert.notEqual(await kit.builder.resolve('again:1'), undefined);
});

test('what is being collected is built anew once it is gone, with a group of its own', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  await kit.build({ 'handler.js': '// first' }, { image: 'moving:1' });
  await kit.build({ 'handler.js': '// last' }, { image: 'moving:1' });
  const release = kit.identities.release.bind(kit.identities);
  let again: ReturnType<typeof kit.build> | undefined;
  kit.identities.release = async (kind, owner) => {
    let built = false;
    again = kit.build({ 'handler.js': '// first' }, { image: 'again:1' });
    again.finally(() => (built = true)).catch(() => undefined);
    // Long enough for a build that does not wait.
    await until('it was built', () => built, 500).catch(() => undefined);
    await release(kind, owner);
  };
  assert.equal((await kit.builder.collect(new Set())).length, 1);
  const { artifact } = (await again) ?? {};
  assert.deepEqual(await kit.builder.resolve('again:1'), artifact);
  if (artifact?.gid === undefined) return;
  const others = [await kit.identities.assign('function', 'a/b'), await kit.identities.assign('function', 'a/c')];
  assert.equal(await kit.identities.assign('artifact', artifact.digest.slice('sha256:'.length)), artifact.gid);
  assert.ok(!others.includes(artifact.gid));
});

async function assertNothingLeft(kit: TestBuilder): Promise<void> {
  const left = readdirSync(join(kit.runDir, 'artifacts')).filter((name) => name.startsWith('.tmp-'));
  assert.deepEqual(left, []);
  const uid = await kit.identities.assign('build', 'openfaas-fn');
  const processes = (): string[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid);
  // Dead daemons are in the process list until init, whose children they became, has looked.
  await until('no process of the build is left', () => processes().length === 0, 2000);
}
