import assert from 'node:assert/strict';
import { linkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FrameRuntime } from '../../test/support/frame-runtime.ts';
import { placeOf } from '../../test/support/place-of.ts';
import { pythonCommand } from '../../test/support/python-runtime.ts';
import { specialiseInstance } from '../frame/specialise.ts';

const main = (folder: string): string => join(import.meta.dirname, folder, 'main.ts');
const runtimes: readonly [string, readonly string[], string, string][] = [
  ['node', [process.execPath, main('node')], 'handler.cjs', 'module.exports = async () => "fine";'],
  ['python', pythonCommand, 'handler.py', 'def handle(req): return "fine"'],
  ['watchdog', [process.execPath, main('watchdog')], 'handler.sh', '#!/bin/sh\necho fine\n'],
];

for (const [name, command, file, code] of runtimes) {
  test(`a ${name} process refuses to become a function by another name of its socket, and stays generic`, async (t) => {
    const runtime = await FrameRuntime.start(t, command);
    const handler = runtime.write(file, code, 0o755);
    const link = join(runtime.dir, 'link');
    linkSync(runtime.socketPath, link);
    const specialise = {
      instance: 'i1',
      name: 'hello',
      namespace: 'openfaas-fn',
      revision: 'hello-00001',
      artifact: runtime.dir,
      workdir: runtime.dir,
      handler,
      process: [handler],
      modulePaths: [],
      env: { PATH: '/usr/bin:/bin' },
      concurrency: 1,
      timeoutMs: 1000,
    };
    await assert.rejects(specialiseInstance(placeOf(link), specialise));
    const ready = await specialiseInstance(placeOf(runtime.socketPath), specialise);
    assert.ok(ready.ok, ready.reason ?? '');
  });
}
