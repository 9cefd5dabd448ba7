import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Protections } from '../model/instance.ts';
import { decideEntrance, type EnterRequest } from './enter.ts';
import type { HostFacts } from './plan.ts';
import type { Tools } from './tools.ts';

const facts: HostFacts = {
  root: true,
  cgroup: 'v2',
  controllers: ['memory', 'pids', 'cpu'],
  setpriv: true,
  mountNamespace: true,
  pidNamespace: true,
  networkNamespace: true,
  bubblewrap: '/bwrap',
  tasksPerNamespace: true,
  missing: [],
};

const tools: Tools = {
  setpriv: '/setpriv',
  unshare: '/unshare',
  mount: '/mount',
  env: '/env',
  bwrap: '/bwrap',
  nsenter: '/nsenter',
  script: '/script',
  stty: '/stty',
  python: '/python',
};

const protections: Protections = {
  cgroup: 'v2',
  noNewPrivileges: true,
  mountNamespace: true,
  pidNamespace: false,
  network: 'host',
  memoryLimit: 'cgroup',
  missing: [],
};

const request: EnterRequest = {
  cage: { id: 'exec-1', cgroups: ['/cg/exec-1'], version: 'v2' },
  target: 42,
  protections,
  command: ['id', '-u'],
  env: { PATH: '/bin', LD_PRELOAD: '/evil.so' },
  cwd: '/app',
  identity: { uid: 7, gid: 8, groups: [9] },
  limits: { memoryBytes: 1, cpuMillis: 1, pids: 1, fileBytes: 0, openFiles: 64 },
};

const hard = { openFiles: 1024, fileBytes: Number.POSITIVE_INFINITY };

function words(changes: Partial<EnterRequest> = {}, host: Partial<HostFacts> = {}): string {
  const { args } = decideEntrance({ facts: { ...facts, ...host }, tools, hard }, { ...request, ...changes });
  return args.slice(args.indexOf('tinderbox-launch') + 1).join(' ');
}

test('limits and groups come first, then nsenter becomes the user in the step in which it enters', () => {
  assert.equal(
    words(),
    'cgroup /cg/exec-1 core 0 files 64 -- ' +
      '/setpriv --no-new-privs --regid 8 --inh-caps=-all --groups 9 -- ' +
      '/nsenter --target 42 --mount --setuid 7 -- ' +
      '/bin/sh -c cd "$1" || exit 125; shift; unset OLDPWD; exec "$@" tinderbox-exec /app ' +
      '/env -- LD_PRELOAD=/evil.so id -u',
  );
});

test('a variable that steers a loader never reaches the launcher, the others do', () => {
  assert.deepEqual(decideEntrance({ facts, tools, hard }, request).env, { PATH: '/bin' });
});

test('every namespace of the other is entered: bubblewrap’s, and a network of its own', () => {
  const boxed = { ...protections, pidNamespace: true };
  assert.match(words({ protections: boxed }), /--target 42 --mount --pid --ipc --uts --setuid 7 /);
  assert.match(words({ protections: { ...boxed, network: 'none' } }), /--uts --net --setuid 7 /);
});

test('without root, what bubblewrap made is joined from the user namespace that owns it', () => {
  const boxed = { protections: { ...protections, pidNamespace: true }, identity: undefined };
  const host = { root: false, controllers: [], tasksPerNamespace: true };
  assert.match(
    words(boxed, host),
    /^cgroup \S+ core 0 files 64 data \d+ -- \/python -I -S -c \n[^]+ 42 mnt,pid,ipc,uts \/bin\/sh -c unset PWD/,
  );
  assert.match(words(boxed, host), / tinderbox-launch tasks 1 -- \/bin\/sh -c cd [^]+ tinderbox-exec \/app /);
  assert.match(words(boxed, { root: false }), / 42 mnt,pid,ipc,uts \/bin\/sh -c cd /);
  const closed = { ...boxed, protections: { ...boxed.protections, network: 'none' as const } };
  assert.match(words(closed, host), / 42 mnt,pid,ipc,uts,net /);
});

test('where the other shares all namespaces there is nothing to enter, and the user changes at once', () => {
  const plain = words({ protections: { ...protections, mountNamespace: false } });
  assert.doesNotMatch(plain, /nsenter/);
  assert.match(plain, /\/setpriv --no-new-privs --reuid 7 --regid 8 --inh-caps=-all --groups 9 -- \/bin\/sh/);
});

test('a process limit that no cgroup keeps is kept per user', () => {
  assert.match(words({}, { controllers: [] }), /tasks 1 -- \/setpriv/);
});

test('a tool that is missing is named, with what to install', () => {
  const without = (tool: keyof Tools, changes: Partial<EnterRequest> = {}) => {
    const host = { facts, tools: { ...tools, [tool]: undefined }, hard };
    return () => decideEntrance(host, { ...request, ...changes });
  };
  assert.throws(without('nsenter'), { code: 'unsupported', message: /nsenter/, hint: /install util-linux/ });
  assert.throws(without('setpriv'), { code: 'unsupported', message: /setpriv/ });
  const joined = { ...facts, root: false };
  const boxed = { ...request, identity: undefined, protections: { ...protections, pidNamespace: true } };
  const host = { facts: joined, tools: { ...tools, python: undefined }, hard };
  assert.throws(() => decideEntrance(host, boxed), { code: 'unsupported', hint: /install python3 .*isolation=none/ });
  const terminal = { terminal: { rows: 24, columns: 80 } };
  assert.throws(without('script', terminal), {
    code: 'unsupported',
    message: /script is not installed/,
    hint: /leave out -t/,
  });
  assert.throws(without('stty', terminal), { code: 'unsupported', message: /stty is not installed/ });
});

test('inside a terminal every word is quoted for the shell that script needs, and SHELL is the function’s again', () => {
  const text = words({ command: ["it's", '$(id)'], terminal: { rows: 2, columns: 3 }, env: { SHELL: '/bin/x' } });
  assert.match(text, /\/env -- SHELL=\/bin\/sh \/script -qefc '\/stty' sane rows 2 cols 3; /);
  assert.ok(text.endsWith(`SHELL='/bin/x'; exec 3<&-; exec 'it'\\''s' '$(id)' /dev/null`), text);
});
