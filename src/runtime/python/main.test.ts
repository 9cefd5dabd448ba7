import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { rootRequirement } from '../../../test/support/require.ts';
import { callRuntime, FrameRuntime } from '../../../test/support/frame-runtime.ts';
import { pythonCommand, servePython, startPython } from '../../../test/support/python-runtime.ts';
import { until } from '../../../test/support/until.ts';
import type { Specialise } from '../../frame/messages.ts';

test('what cannot become a function says why, and ends', async (t) => {
  const cases: [string, Partial<Specialise>, RegExp][] = [
    ['def handle(:', {}, /SyntaxError/],
    ['import nothing_of_that_name', {}, /ModuleNotFoundError: No module named 'nothing_of_that_name'/],
    ['x = 1', {}, /has no handler: define handle\(event, context\)/],
    ['def handle(a, b, c): pass', {}, /handle takes 3 arguments/],
    ['import sys; sys.exit(2)', {}, /SystemExit/],
    ['', { handler: '/nowhere/handler.py' }, /no handler file \/nowhere\/handler\.py/],
    ['', { workdir: '/nowhere' }, /\/nowhere/],
  ];
  await Promise.all(
    cases.map(async ([code, options, reason]) => {
      const runtime = await startPython(t);
      const ready = await runtime.specialise({ handler: runtime.write('handler.py', code), ...options });
      assert.equal(ready.ok, false);
      assert.match(ready.reason ?? '', reason);
      assert.deepEqual(await runtime.exited, [1, null]);
    }),
  );
});

test('modules beside the handler, packages and module paths are found; ours are not in the way', async (t) => {
  const code = `
import frames, hub, dependency
from . import sibling
from function import nested
def handle(req):
    return " ".join([frames.WORD, hub.WORD, sibling.WORD, nested.WORD, dependency.WORD])`;
  const runtime = await startPython(t);
  for (const name of ['frames', 'hub', 'sibling', 'function/nested', 'site/dependency']) {
    runtime.write(`${name}.py`, `WORD = "${name}"`);
  }
  const handler = runtime.write('handler.py', code);
  const ready = await runtime.specialise({ handler, modulePaths: [join(runtime.dir, 'site')] });
  assert.ok(ready.ok, ready.reason ?? '');
  assert.equal((await callRuntime(runtime.transport(t))).text, 'frames hub sibling function/nested site/dependency');
});

test('a generic process told to stop exits with 0 and was of nobody', async (t) => {
  const runtime = await startPython(t);
  assert.equal(statSync(runtime.socketPath).mode & 0o777, 0o600);
  runtime.child.kill('SIGTERM');
  assert.deepEqual(await runtime.exited, [0, null]);
});

test('a peer that speaks something else, or specialises twice, loses its connection and nothing more', async (t) => {
  const { runtime, transport } = await servePython(t, 'def handle(req): return "fine"');
  const stranger = connect(runtime.socketPath);
  stranger.on('error', () => undefined);
  stranger.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  stranger.resume();
  await once(stranger, 'close');
  await assert.rejects(runtime.specialise({ handler: join(runtime.dir, 'handler.py') }));
  assert.equal((await callRuntime(transport)).text, 'fine');
  await until('a line in the log', () =>
    /broke the frame protocol \(state\): a second specialise/.test(runtime.errors),
  );
});

test('it becomes the user it is told to, for good', async (t) => {
  if (!rootRequirement(t)) return;
  const code = `
import os, json
def handle(req):
    try:
        os.setuid(0); back = True
    except PermissionError: back = False
    return json.dumps([os.getresuid(), os.getresgid(), os.getgroups(), back])`;
  const identity = { uid: 234567, gid: 234568, groups: [234569] };
  const { transport } = await servePython(t, code, { identity });
  const { text } = await callRuntime(transport);
  assert.deepEqual(JSON.parse(text), [[234567, 234567, 234567], [234568, 234568, 234568], [234569], false]);
});

test('descriptors of the platform are closed before the function is loaded', async (t) => {
  const code = `
import os
def handle(req):
    out = []
    for fd in range(3, 64):
        try: out.append(os.readlink("/proc/self/fd/%d" % fd).split(":")[0])
        except OSError: pass
    return " ".join(sorted(out))`;
  const runtime = await FrameRuntime.start(t, [
    '/bin/sh',
    '-c',
    `exec ${pythonCommand.join(' ')} 7</etc/hostname 9</etc/passwd`,
  ]);
  const ready = await runtime.specialise({ handler: runtime.write('handler.py', code) });
  assert.ok(ready.ok, ready.reason ?? '');
  const { text } = await callRuntime(runtime.transport(t));
  assert.match(text, /^pipe pipe socket socket( socket)?$/);
});
