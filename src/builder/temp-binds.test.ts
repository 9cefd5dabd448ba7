import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tempBinds } from './temp-binds.ts';

const targets = (runDir: string, needed: readonly string[]): string[] =>
  tempBinds('/run/box/work/tmp', runDir, needed).map(({ target }) => target);

test('a build gets a folder of its own in place of those everybody may write to', () => {
  assert.deepEqual(tempBinds('/data/t', '/data', ['/usr/bin/node', 'ci', '/tmpfiles/npm']), [
    { source: '/data/t', target: '/tmp', readOnly: false },
    { source: '/data/t', target: '/var/tmp', readOnly: false },
  ]);
});

test('a shared folder stays in sight when the build, or a program it runs, lies in it', () => {
  assert.deepEqual(targets('/data', ['/tmp/clone/node_modules/node/bin/node', '/usr/bin/npm']), ['/var/tmp']);
  assert.deepEqual(targets('/data', ['/usr/bin/node', '/var/tmp/clone/npm-cli.js']), ['/tmp']);
  assert.deepEqual(targets('/tmp/data', ['/usr/bin/node']), ['/var/tmp']);
  assert.deepEqual(targets('/tmp/data', ['/var/tmp/node']), []);
});
