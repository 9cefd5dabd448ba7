import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partEnvironment } from './environment.ts';

test('variables that steer a loader, a shell or the C library never reach the launcher', () => {
  const steering = [
    'LD_PRELOAD',
    'LD_AUDIT',
    'GLIBC_TUNABLES',
    'BASH_ENV',
    'ENV',
    'IFS',
    'PS4',
    'BASH_FUNC_x%%',
    'LOCPATH',
    'LOCALDOMAIN',
    'RES_OPTIONS',
    'RESOLV_HOST_CONF',
  ];
  const { early, late } = partEnvironment(Object.fromEntries(steering.map((name) => [name, 'v'])));
  assert.deepEqual(early, {});
  assert.deepEqual(
    late,
    steering.map((name) => `${name}=v`),
  );
});

test('variables of a function that only begin alike stay out of the command line, which every user can read', () => {
  const plain = { RESEND_API_KEY: 's', RESTIC_PASSWORD: 's', LOCAL_TOKEN: 's', NLS_KEY: 's', BASHFUL: 's' };
  assert.deepEqual(partEnvironment(plain), { early: plain, late: [] });
});

test('ordinary variables pass as they are; names a shell would drop are set later', () => {
  const { early, late } = partEnvironment({ PATH: '/bin', Http_Path: 'a=b\n', 'my.var': '1', NODE_OPTIONS: '' });
  assert.deepEqual(early, { PATH: '/bin', Http_Path: 'a=b\n', NODE_OPTIONS: '' });
  assert.deepEqual(late, ['my.var=1']);
});

test('names and values no process can have are refused', () => {
  for (const env of [{ '': 'x' }, { 'a=b': 'x' }, { 'a\0': 'x' }, { a: 'x\0y' }]) {
    assert.throws(() => partEnvironment(env as Record<string, string>), { code: 'invalid' });
  }
});
