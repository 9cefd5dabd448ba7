import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { createAuth } from './auth.ts';

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

test('the first start makes a password of its own user alone, later starts read it', async (t) => {
  const passwordFile = join(tempDir(t), 'password');
  const first = await createAuth({ user: 'admin', passwordFile });
  assert.match(first.newPassword ?? '', /^[A-Za-z0-9_-]{32}$/);
  assert.equal(statSync(passwordFile).mode & 0o777, 0o600);
  assert.equal(readFileSync(passwordFile, 'utf8'), `${first.newPassword}\n`);
  const second = await createAuth({ user: 'admin', passwordFile });
  assert.equal(second.newPassword, undefined);
  assert.equal(second.check(basic(`admin:${first.newPassword}`)), true);
});

test('a password that is given is taken, and no file is made', async (t) => {
  const passwordFile = join(tempDir(t), 'password');
  const auth = await createAuth({ user: 'admin', password: 'pass:wörd', passwordFile });
  assert.equal(auth.check(basic('admin:pass:wörd')), true);
  assert.throws(() => statSync(passwordFile), { code: 'ENOENT' });
});

test('every spelling of the right credentials that RFC 7617 allows passes', async (t) => {
  const auth = await createAuth({ user: 'admin', password: 'secret', passwordFile: join(tempDir(t), 'none') });
  const encoded = basic('admin:secret').slice(6);
  for (const header of [`Basic ${encoded}`, `basic ${encoded}`, `BASIC  ${encoded.replace(/=+$/, '')}`]) {
    assert.equal(auth.check(header), true, header);
  }
});

test('nothing else passes', async (t) => {
  const auth = await createAuth({ user: 'admin', password: 'secret', passwordFile: join(tempDir(t), 'none') });
  for (const header of [
    undefined,
    '',
    'Basic',
    'Basic ',
    'Basic !!!',
    'Basic é',
    'Bearer secret',
    'admin:secret',
    basic(''),
    basic('admin'),
    basic('admin:'),
    basic('admin:Secret'),
    basic('admin:secret\n'),
    basic(' admin:secret'),
    basic('admin:secret\0'),
    `${basic('admin:secret')}, ${basic('admin:secret')}`,
    basic(`admin:secret${'x'.repeat(10_000)}`),
  ]) {
    assert.equal(auth.check(header), false, header?.slice(0, 60) ?? 'none');
  }
});

test('users, passwords and files that cannot work are refused by name', async (t) => {
  const dir = tempDir(t);
  const passwordFile = join(dir, 'password');
  writeFileSync(passwordFile, '\n');
  await assert.rejects(createAuth({ user: 'admin', passwordFile }), {
    code: 'config',
    message: new RegExp(passwordFile),
  });
  for (const user of ['', 'a:b', 'a\nb']) {
    await assert.rejects(createAuth({ user, password: 'x', passwordFile }), { code: 'config' });
  }
  for (const password of ['', 'a\nb', 'x'.repeat(1025)]) {
    await assert.rejects(createAuth({ user: 'admin', password, passwordFile }), { code: 'config' });
  }
  for (const file of [dir, join(dir, 'absent', 'password')]) {
    await assert.rejects(createAuth({ user: 'admin', passwordFile: file }), {
      code: 'config',
      message: new RegExp(file),
    });
  }
});
