import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decidePlan, type HostFacts } from './plan.ts';
import type { ConfineRequest } from './sandbox.ts';

const full: HostFacts = {
  root: true,
  cgroup: 'v1',
  controllers: ['memory', 'pids', 'cpu'],
  setpriv: true,
  mountNamespace: true,
  pidNamespace: true,
  networkNamespace: true,
  bubblewrap: '/usr/bin/bwrap',
  tasksPerNamespace: true,
  missing: [],
};

const bare: HostFacts = {
  ...full,
  root: false,
  cgroup: 'none',
  controllers: [],
  setpriv: false,
  mountNamespace: false,
  pidNamespace: false,
  networkNamespace: false,
  bubblewrap: undefined,
  missing: [
    'cgroup: not mounted',
    'setpriv: not installed',
    'bubblewrap: not installed',
    'network namespace: forbidden',
  ],
};

const request: ConfineRequest = {
  id: 'x',
  command: ['/bin/true'],
  env: {},
  cwd: '/',
  identity: { uid: 200_001, gid: 200_001, groups: [] },
  identityLater: false,
  limits: { memoryBytes: 2 ** 26, cpuMillis: 500, pids: 10, fileBytes: 0, openFiles: 0 },
  network: 'host',
  isolation: 'auto',
  binds: [],
  hidden: ['/state'],
  writable: [],
};
const shared = { ...request, identity: undefined };
const bind = { source: '/a', target: '/b', readOnly: true };

test('root puts up only the walls a request needs', () => {
  const ways = [request, { ...request, binds: [bind] }, { ...request, network: 'none' as const }].map(
    (entry) => decidePlan(full, entry, 'auto').way,
  );
  assert.deepEqual(ways, ['shell', 'unshare', 'unshare']);
  assert.deepEqual(decidePlan(full, request, 'auto').protections, {
    uid: 200_001,
    cgroup: 'v1',
    noNewPrivileges: true,
    mountNamespace: false,
    pidNamespace: false,
    network: 'host',
    memoryLimit: 'cgroup',
    missing: [],
  });
});

test('bubblewrap is used where asked for and where the user is shared', () => {
  assert.equal(decidePlan(full, { ...request, isolation: 'namespaces' }, 'auto').way, 'bubblewrap');
  assert.equal(decidePlan(full, request, 'namespaces').way, 'bubblewrap');
  assert.equal(decidePlan({ ...full, root: false }, shared, 'auto').way, 'bubblewrap');
  assert.equal(decidePlan({ ...full, root: false }, { ...shared, isolation: 'none' }, 'auto').way, 'shell');
});

test('what was asked for by name and cannot be had is refused with the reason', () => {
  const refused: [Partial<ConfineRequest>, RegExp][] = [
    [{ isolation: 'namespaces' }, /"namespaces" cannot be had here: not installed/],
    [{ isolation: 'strict' }, /"strict" cannot be had here: not installed/],
    [{ network: 'none' }, /network "none" cannot be had for "x": forbidden/],
    [{ identity: request.identity }, /cannot run as user 200001: the platform does not run as root/],
  ];
  for (const [changes, message] of refused) {
    assert.throws(() => decidePlan(bare, { ...shared, ...changes }, 'auto'), { code: 'unsupported', message });
  }
  const noSetpriv = { ...full, setpriv: false };
  assert.throws(() => decidePlan(noSetpriv, request, 'auto'), { code: 'unsupported', message: /user 200001/ });
});

test('what silently could not be had is named, each with its reason', () => {
  const { protections } = decidePlan(bare, { ...shared, binds: [bind] }, 'auto');
  assert.deepEqual(protections.missing, [
    'user of its own: it shares the platform’s user',
    'privacy of that user’s files, the data folder with its keys too: not installed',
    'no-new-privileges: not installed',
    'memory limit of the whole tree, only per process: not mounted',
    'process limit: not mounted',
    'CPU limit: not mounted',
    'killing of daemons that hide, only of its process group: not mounted',
    '/b: mount namespace is not in use',
    'hiding of /state: not installed',
  ]);
  assert.equal(protections.memoryLimit, 'rlimit');
});

test('a warm process that changes its user later is not reported as sharing the platform’s', () => {
  const plan = decidePlan(full, { ...shared, identityLater: true }, 'auto');
  assert.deepEqual(plan.protections.missing, []);
});

test('a read-only root is had through bubblewrap, also as root; where it cannot be it is reported, not dropped', () => {
  const asked = { ...request, readOnlyWithTmp: '/own/tmp' };
  const unmet = (host: HostFacts, more: Partial<ConfineRequest> = {}): string[] => {
    const { missing } = decidePlan(host, { ...asked, ...more }, 'auto').protections;
    return missing.filter((text) => text.startsWith('read-only root file system: '));
  };
  assert.equal(decidePlan(full, request, 'auto').way, 'shell');
  assert.equal(decidePlan(full, asked, 'auto').way, 'bubblewrap');
  assert.deepEqual(unmet(full), []);
  assert.match(unmet(full, { isolation: 'none' })[0] ?? '', /isolation "none" was asked for/);
  assert.match(unmet(bare, { identity: undefined })[0] ?? '', /not installed/);
});
