import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Specialise } from '../../src/frame/messages.ts';
import type { Transport } from '../../src/router/transport/transport.ts';
import { FrameRuntime } from './frame-runtime.ts';

/** The system's own Python where there is one: other users can run it too. */
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** Starts the Python runtime; `-B` because the tests run from the source tree. */
export const pythonCommand: readonly string[] = [
  python,
  '-B',
  '-I',
  join(import.meta.dirname, '../../src/runtime/python/main.py'),
];

export function startPython(t: TestContext): Promise<FrameRuntime> {
  return FrameRuntime.start(t, pythonCommand);
}

/** A Python runtime that is the given `handler.py`, and a transport to it. */
export async function servePython(
  t: TestContext,
  code: string,
  options: Partial<Specialise> = {},
): Promise<{ readonly runtime: FrameRuntime; readonly transport: Transport }> {
  const runtime = await startPython(t);
  const handler = runtime.write('handler.py', code);
  const ready = await runtime.specialise({ handler, ...options });
  assert.ok(ready.ok, ready.reason ?? '');
  return { runtime, transport: runtime.transport(t) };
}
