import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requirement } from '../../test/support/require.ts';
import { until } from '../../test/support/until.ts';
import type { TinderboxError } from '../model/errors.ts';
import type { ExecCommand, ExecOutput, ExecSession } from '../model/exec.ts';
import type { Instance } from '../model/instance.ts';
import type { Suite } from './conformance.ts';

const cannot = 'commands cannot be run beside an instance here';

/** What every engine that can run commands beside an instance does; `echo`, `false`, `cat` and `sleep` are there. */
export function executing(suite: Suite): void {
  const { ready, exec, canExec } = helpersOf(suite);

  test('a command beside an instance has its output and its exit code', async (t) => {
    if (!requirement(t, await canExec(), cannot)) return;
    const instance = await ready('commands');
    const said = await Array.fromAsync((await exec(instance, 'echo', 'one  two', '$(id)')).output);
    assert.equal(textOf(said), 'one  two $(id)\n');
    assert.deepEqual(said.at(-1), { kind: 'exit', exitCode: 0, signal: null });
    const failed = await Array.fromAsync((await exec(instance, 'false')).output);
    assert.deepEqual(failed, [{ kind: 'exit', exitCode: 1, signal: null }]);
  });

  test('what is sent to a command reaches it in order, is credited, and ends with the end of its stdin', async (t) => {
    if (!requirement(t, await canExec(), cannot)) return;
    const session = await exec(await ready('reads'), 'cat');
    for (const text of ['a', 'b'.repeat(100_000), 'c']) session.send({ kind: 'stdin', data: Buffer.from(text) });
    session.send({ kind: 'stdin-end' });
    const said = await Array.fromAsync(session.output);
    assert.equal(textOf(said), `a${'b'.repeat(100_000)}c`);
    const credited = said.reduce((sum, frame) => sum + (frame.kind === 'credit' ? frame.bytes : 0), 0);
    assert.equal(credited, 100_002);
    assert.deepEqual(said.at(-1), { kind: 'exit', exitCode: 0, signal: null });
  });

  test('a signal ends a command, and its end names the signal', async (t) => {
    if (!requirement(t, await canExec(), cannot)) return;
    const session = await exec(await ready('signals'), 'sleep', '600');
    session.send({ kind: 'signal', signal: 'SIGTERM' });
    assert.deepEqual(await Array.fromAsync(session.output), [{ kind: 'exit', exitCode: null, signal: 'SIGTERM' }]);
  });
  cutOff(suite);
}

function cutOff(suite: Suite): void {
  const { ready, exec, canExec } = helpersOf(suite);

  test('a session that is closed, and one whose instance ends, are told as cut off', async (t) => {
    if (!requirement(t, await canExec(), cannot)) return;
    const instance = await ready('cut-off');
    const closed = await exec(instance, 'sleep', '600');
    closed.close();
    closed.close();
    assert.equal((await Array.fromAsync(closed.output)).at(-1)?.kind, 'error');
    // It has to have begun: a command whose instance goes while it still enters ends by itself, with a code of its own.
    const left = await exec(instance, 'cat');
    left.send({ kind: 'stdin', data: Buffer.from('begun') });
    const output = left.output[Symbol.asyncIterator]();
    for (let kind = ''; kind !== 'stdout'; ) kind = ((await output.next()).value as ExecOutput).kind;
    await suite.fixture.engine.scale(instance.revision, 0);
    let last: ExecOutput | undefined;
    for (let next = await output.next(); next.done !== true; next = await output.next()) last = next.value;
    assert.ok(last?.kind === 'error' || (last?.kind === 'exit' && last.signal === 'SIGKILL'), JSON.stringify(last));
    await until('nothing is left', async () => !(await suite.fixture.isLeft(instance)));
    await assert.rejects(exec(instance, 'echo'), { code: 'not-found' });
  });
}

interface Helpers {
  /** A ready instance of a function of this name. */
  readonly ready: (name: string) => Promise<Instance>;
  readonly exec: (instance: Instance, ...command: string[]) => Promise<ExecSession>;
  readonly canExec: () => Promise<boolean>;
}

function helpersOf(suite: Suite): Helpers {
  const ready = async (name: string): Promise<Instance> => {
    const workload = await suite.run(name, 'serves', 1);
    return await until('ready', () => suite.ofState(workload, 'ready')[0]);
  };
  /** Without root, bubblewrap lets nobody in; see `sandbox/enter.ts`. */
  const canExec = async (): Promise<boolean> => {
    if (suite.fixture.engine.exec === undefined) return false;
    const session = exec(await ready('probe'), 'echo');
    return await session.then(
      () => true,
      (error: TinderboxError) => {
        if (error.code !== 'unsupported') throw error;
        return false;
      },
    );
  };
  const exec = async (instance: Instance, ...command: string[]): Promise<ExecSession> => {
    const order: ExecCommand = { command, stdin: command[0] === 'cat' };
    const session = await suite.fixture.engine.exec?.(instance.id, order);
    assert.ok(session);
    return session;
  };
  return { ready, exec, canExec };
}

function textOf(frames: readonly ExecOutput[]): string {
  return Buffer.concat(frames.flatMap((frame) => (frame.kind === 'stdout' ? [frame.data] : []))).toString();
}
