import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FrameRuntime } from '../../test/support/frame-runtime.ts';
import { callOf } from '../../test/support/node-runtime.ts';
import { pythonCommand } from '../../test/support/python-runtime.ts';
import { until } from '../../test/support/until.ts';
import type { StreamingReply } from '../model/invocation.ts';
import type { Sent } from '../router/transport/transport.ts';

/** More than a stream's window, and what the watchdog holds back until the exit status is known. */
const size = 900_000;
const main = (folder: string): string => join(import.meta.dirname, folder, 'main.ts');
const runtimes: readonly [string, readonly string[], string, string][] = [
  ['node', [process.execPath, main('node')], 'handler.cjs', `module.exports = async () => "x".repeat(${size});`],
  ['python', pythonCommand, 'handler.py', `def handle(req): return "x" * ${size}`],
  ['watchdog', [process.execPath, main('watchdog')], 'handler.sh', `#!/bin/sh\nhead -c ${size} /dev/zero\n`],
];

/** A call whose handler is done and whose answer waits for its reader. */
async function callUnread(t: TestContext, runtime: FrameRuntime, file: string, code: string): Promise<UnreadCall> {
  const handler = runtime.write(file, code, 0o755);
  const ready = await runtime.specialise({ handler, process: [handler] });
  assert.ok(ready.ok, ready.reason ?? '');
  const { reply, done } = await runtime.transport(t).send(callOf(), undefined);
  assert.ok(reply.kind === 'streaming');
  return { reply, done };
}

interface UnreadCall {
  readonly reply: StreamingReply;
  readonly done: Sent['done'];
}

for (const [name, command, file, code] of runtimes) {
  test(`a ${name} process gives the place of a call back whose reader leaves in the middle of a whole answer`, async (t) => {
    const runtime = await FrameRuntime.start(t, command);
    const { reply, done } = await callUnread(t, runtime, file, code);
    reply.body.destroy();
    await done;
  });

  test(`a ${name} process that is stopped sends an answer to its end first`, async (t) => {
    const runtime = await FrameRuntime.start(t, command);
    const { reply } = await callUnread(t, runtime, file, code);
    runtime.child.kill('SIGTERM');
    let isRefused = false;
    await until('it takes no more calls', () => {
      const probe = connect(runtime.socketPath);
      probe.on('error', () => (isRefused = true)).on('connect', () => probe.destroy());
      return isRefused;
    });
    assert.equal(Buffer.concat((await reply.body.toArray()) as Buffer[]).length, size);
    assert.deepEqual(await runtime.exited, [0, null]);
  });
}
