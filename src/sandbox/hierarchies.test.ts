import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideHierarchies } from './hierarchies.ts';

function mount(path: string, type: string, options: string): string {
  return `30 23 0:28 / ${path} rw,relatime shared:9 - ${type} ${type} rw,${options}`;
}

test('separate hierarchies are used together, the top of each before the platform’s own place', () => {
  const mounts = [
    mount('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'),
    mount('/sys/fs/cgroup/memory', 'cgroup', 'memory'),
    mount('/sys/fs/cgroup/pids', 'cgroup', 'pids'),
    mount('/sys/fs/cgroup/unified', 'cgroup2', 'nsdelegate'),
  ].join('\n');
  const own = '4:memory:/docker/1\n3:pids:/\n2:cpu,cpuacct:/docker/1\n0::/\n';
  assert.deepEqual(decideHierarchies(mounts, own, 'hugetlb\n'), {
    version: 'v1',
    candidates: [
      ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/pids', '/sys/fs/cgroup/cpu,cpuacct'],
      ['/sys/fs/cgroup/memory/docker/1', '/sys/fs/cgroup/pids', '/sys/fs/cgroup/cpu,cpuacct/docker/1'],
    ],
    absent: [],
  });
});

test('a unified hierarchy with the memory controller is preferred', () => {
  const mounts = mount('/sys/fs/cgroup', 'cgroup2', 'nsdelegate');
  const own = '0::/user.slice/user-1000.slice\n';
  assert.deepEqual(decideHierarchies(mounts, own, 'cpu memory'), {
    version: 'v2',
    candidates: [['/sys/fs/cgroup'], ['/sys/fs/cgroup/user.slice/user-1000.slice']],
    absent: ['pids'],
  });
});

test('blanks in a mount point are unescaped', () => {
  const found = decideHierarchies(mount('/my\\040cgroups', 'cgroup', 'memory'), '', '');
  assert.deepEqual(found.candidates[0], ['/my cgroups']);
  assert.deepEqual(found.absent, ['pids', 'cpu']);
});

test('a host without cgroups, or without /proc, has none', () => {
  for (const text of ['', 'nonsense', mount('/x', 'tmpfs', 'size=1')]) {
    assert.equal(decideHierarchies(text, '', '').version, 'none');
  }
});
