import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { compileHostile, processesOf, rootSandbox } from '../../test/support/hostile.ts';
import { requirement } from '../../test/support/require.ts';
import { createSandbox } from './create-sandbox.ts';
import { isOpenToOthers } from './find-obstacles.ts';
import type { Confined, ConfineRequest } from './sandbox.ts';

function sh(text: string, ...words: string[]): string[] {
  return ['/bin/sh', '-c', text, 'sh', ...words];
}

test('probing takes a moment and leaves nothing behind', async (t: TestContext) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const begin = performance.now();
  const other = await createSandbox({ stateDir: box.stateDir, runDir: join(box.dir, 'other') });
  t.after(() => other.close());
  assert.ok(performance.now() - begin < 2_000);
  assert.deepEqual(await other.sweep(new Set()), []);
  assert.equal(other.abilities.root, true);
});

test('a program runs as its own user, without privileges, with nothing of the platform’s environment', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const text =
    'id -u; id -g; id -G; grep -E "^(NoNewPrivs|CapPrm|CapEff|CapInh)" /proc/self/status; pwd; tr "\\\\0" "\\\\n" </proc/$$/environ';
  const identity = { uid: box.uid, gid: box.uid + 1, groups: [box.uid + 2] };
  const env = { PATH: '/usr/bin:/bin', WORD: 'a $(id) "b', LD_BIND_NOW: '1', 'odd.name': 'x' };
  const { lines } = await box.run(box.request(sh(text), { identity, env }));
  const none = '0000000000000000';
  assert.deepEqual(lines.slice(0, 8), [
    String(box.uid),
    String(box.uid + 1),
    `${box.uid + 1} ${box.uid + 2}`,
    `CapInh:\t${none}`,
    `CapPrm:\t${none}`,
    `CapEff:\t${none}`,
    'NoNewPrivs:\t1',
    box.home,
  ]);
  const seen = lines.slice(8).filter((line) => !line.startsWith('PWD='));
  assert.deepEqual(seen.toSorted(), ['LD_BIND_NOW=1', 'PATH=/usr/bin:/bin', 'WORD=a $(id) "b', 'odd.name=x']);
});

test('words of the command are never read as shell', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const words = ['$(touch x)', '`id`', '; id', '--', '', 'a\nb', '*'];
  const { lines } = await box.run(box.request(['/usr/bin/printf', '<%s>', ...words]));
  assert.equal(lines.join('\n'), words.map((word) => `<${word}>`).join(''));
});

test('a loader variable of a function is never loaded by the launcher', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const log = join(box.home, 'log');
  const env = { LD_DEBUG: 'files', LD_DEBUG_OUTPUT: log };
  await box.run(box.request(['/bin/true'], { env }));
  const logs = await Array.fromAsync(logsOf(box.home));
  assert.ok(logs.length > 0 && logs.every((text) => !/setpriv|\/sh\b/.test(text)), logs.join('\n'));
});

async function* logsOf(dir: string): AsyncGenerator<string> {
  for (const name of await readdir(dir)) yield readFile(join(dir, name), 'utf8');
}

test('descriptors 0 to 3 reach the program, whatever stands in front of it', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const binds = [{ source: box.home, target: join(box.dir, 'shown'), readOnly: true }];
  const ways: Partial<ConfineRequest>[] = [{}, { binds }, { isolation: 'namespaces' }];
  for (const changes of ways) {
    const confined: Confined = await box.sandbox.confine(box.request(sh('read x; echo "$x" >&3'), changes));
    const { env, cwd } = confined;
    const child = spawn(confined.file, confined.args, { env, cwd, stdio: ['pipe', 'ignore', 'inherit', 'pipe'] });
    child.stdin?.end('listening\n');
    assert.equal(await text(child.stdio[3] as Readable), 'listening\n');
    await box.sandbox.destroy(confined.cage);
  }
});

test('the state folder, another user’s files and another process’s environment cannot be read', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  writeFileSync(join(box.stateDir, 'key'), 'secret', { mode: 0o644 });
  const other = join(box.dir, 'other');
  mkdirSync(other, { mode: 0o700 });
  writeFileSync(join(other, 'file'), 'secret', { mode: 0o644 });
  chownSync(other, box.uid + 1, box.uid + 1);
  const neighbour = await box.sandbox.confine(
    box.request(['/bin/sleep', '30'], {
      env: { TOKEN: 'secret' },
      identity: { uid: box.uid + 1, gid: box.uid + 1, groups: [] },
    }),
  );
  const child = spawn(neighbour.file, neighbour.args, {
    env: neighbour.env,
    cwd: box.dir,
    stdio: 'ignore',
    detached: true,
  });
  const text =
    'for file; do cat "$file" && echo READ; done; kill -9 "$NEIGHBOUR" && echo KILLED; ls /proc/1/root && echo ROOT';
  const files = [
    join(box.stateDir, 'key'),
    join(other, 'file'),
    `/proc/${child.pid}/environ`,
    `/proc/${process.pid}/environ`,
  ];
  const env = { PATH: '/usr/bin:/bin', NEIGHBOUR: String(child.pid) };
  const { lines } = await box.run(box.request(sh(text, ...files), { env, hidden: [box.stateDir] }));
  await box.sandbox.destroy(neighbour.cage);
  assert.equal(lines.filter((line) => /denied|not permitted/.test(line)).length, 6, lines.join('\n'));
  assert.ok(!lines.some((line) => /READ|KILLED|ROOT|secret/.test(line)), lines.join('\n'));
});

test('setuid programs gain nothing', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const setuid = join(box.dir, 'setuid-id');
  execFileSync('cp', ['/usr/bin/id', setuid]);
  execFileSync('chmod', ['4755', setuid]);
  const { lines } = await box.run(box.request([setuid, '-u']));
  assert.deepEqual(lines, [String(box.uid)]);
});

test('network none leaves the loopback interface alone', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined || !requirement(t, box.sandbox.abilities.networkNamespace, 'needs network namespaces')) return;
  for (const isolation of ['auto', 'namespaces', 'none'] as const) {
    const text = 'tail -n +3 /proc/net/dev | cut -d: -f1';
    const { lines } = await box.run(box.request(sh(text), { network: 'none', isolation }));
    assert.deepEqual(
      lines.map((line) => line.trim()),
      ['lo'],
      isolation,
    );
  }
});

test('files cannot grow beyond their limit, core dumps are off, few files are open', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const program = await compileHostile(box.dir);
  const limits = { memoryBytes: 2 ** 26, cpuMillis: 0, pids: 32, fileBytes: 2 ** 20, openFiles: 50 };
  const file = join(box.home, 'big');
  const { lines, outcome } = await box.run(box.request([program, 'fill', file], { limits }));
  assert.deepEqual([lines, outcome.exitCode], [['File too large'], 4]);
  assert.equal(readFileSync(file).length, 2 ** 20);
  const shown = await box.run(box.request(sh('ulimit -n; ulimit -Hn; ulimit -c'), { limits }));
  assert.deepEqual(shown.lines, ['50', '50', '0']);
  // Above this host's hard limit it stays at that.
  const generous = await box.run(box.request(sh('ulimit -n'), { limits: { ...limits, openFiles: 2 ** 40 } }));
  assert.equal(generous.outcome.ok, true);
});

test('a folder is shown at another place, read-only, to that program alone', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined || !requirement(t, box.sandbox.abilities.mountNamespace, 'needs mount namespaces')) return;
  const source = join(box.dir, 'secrets');
  const target = join(box.dir, 'var', 'openfaas', 'secrets');
  mkdirSync(source);
  writeFileSync(join(source, 'token'), 'hush');
  chownSync(source, box.uid, box.uid);
  for (const isolation of ['auto', 'namespaces'] as const) {
    const request = box.request(sh(`cat ${target}/token; touch ${target}/x`), {
      isolation,
      binds: [{ source, target, readOnly: true }],
    });
    const { lines } = await box.run(request);
    assert.deepEqual(
      lines.filter((line) => !line.includes('Read-only')),
      ['hush'],
      isolation,
    );
    assert.equal(lines.length, 2);
  }
  assert.equal(existsSync(join(target, 'token')), false);
});

test('a bind whose place cannot be made is reported, and the program runs without it', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const binds = [{ source: box.home, target: '/proc/nowhere/secrets', readOnly: true }];
  const confined = await box.sandbox.confine(box.request(['/bin/true'], { binds }));
  assert.deepEqual(confined.protections.missing, ['/proc/nowhere/secrets: it cannot be made on this host']);
  await box.sandbox.destroy(confined.cage);
});

test('a world of its own shows no other process, hides folders and is read-only but for what is granted', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined || !requirement(t, box.sandbox.abilities.pidNamespace, 'needs bubblewrap')) return;
  const [open, inside] = [join(box.dir, 'open'), join(box.dir, 'open', 'mine')];
  mkdirSync(inside, { recursive: true });
  mkdirSync(join(open, 'other'));
  chownSync(inside, box.uid, box.uid);
  const text =
    'ls -d /proc/[0-9]* | wc -l; ls "$1"; touch "$1/mine/x" && echo written; touch "$2/x" 2>/dev/null || echo refused';
  const request = box.request(sh(text, open, box.home), {
    isolation: 'namespaces',
    hidden: [open],
    writable: [inside],
  });
  const { lines, outcome } = await box.run(request);
  assert.ok(Number(lines[0]) <= 5, lines.join('\n'));
  assert.deepEqual([lines[1], lines[2], lines.at(-1)], ['mine', 'written', 'refused'], lines.join('\n'));
  assert.equal(outcome.ok, true);
  assert.deepEqual(processesOf(box.uid), []);
});

test('a warm process stays root without new privileges and can change its user itself', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const changes = { identity: undefined, identityLater: true };
  const text = `id -u; grep NoNewPrivs /proc/self/status; setpriv --reuid ${box.uid} --regid ${box.uid} --clear-groups id -u`;
  for (const isolation of ['auto', 'namespaces'] as const) {
    const { lines } = await box.run(box.request(sh(text), { ...changes, isolation }));
    assert.deepEqual(lines, ['0', 'NoNewPrivs:\t1', String(box.uid)], isolation);
  }
});

test('strict takes child processes away from node', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  if (!requirement(t, isOpenToOthers(process.execPath, 'execute'), `${process.execPath} is closed to other users`))
    return;
  const program =
    'try { require("child_process").execFileSync("/bin/true"); } catch (error) { console.log(error.code) }';
  const limits = { memoryBytes: 2 ** 29, cpuMillis: 0, pids: 64, fileBytes: 0, openFiles: 0 };
  const request = box.request([process.execPath, '-e', program], { isolation: 'strict', limits });
  assert.deepEqual((await box.run(request)).lines, ['ERR_ACCESS_DENIED']);
});

test('a parent cgroup somebody tidied away is made again', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  await box.sandbox.close();
  assert.equal((await box.run(box.request(['/bin/true']))).outcome.ok, true);
});

test('requests that make no sense are refused and leave no cage', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const limits = box.request(['x']).limits;
  const bad = [{ id: '../x' }, { id: '' }, { command: [] }, { command: ['a\0'] }, { cwd: 'here' }, { hidden: ['x'] }];
  for (const changes of [
    ...bad,
    { limits: { ...limits, pids: -1 } },
    { limits: { ...limits, memoryBytes: Number.NaN } },
  ]) {
    await assert.rejects(
      box.sandbox.confine(box.request(['x'], changes)),
      { code: 'invalid' },
      JSON.stringify(changes),
    );
  }
  const request = box.request(['/bin/true']);
  const { cage } = await box.sandbox.confine(request);
  await assert.rejects(box.sandbox.confine(request), { code: 'conflict' });
  assert.deepEqual(await box.sandbox.sweep(new Set()), [cage.id]);
});
