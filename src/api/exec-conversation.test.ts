import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import { exchangeFrames } from '../../test/support/exec-client.ts';
import { until } from '../../test/support/until.ts';
import { FakeExec } from '../engine/fake/exec.ts';
import { TinderboxError } from '../model/errors.ts';
import { type ExecCommand, type ExecOutput, stdinWindowBytes } from '../model/exec.ts';
import { encodeExecFrame, type ExecFrame } from '../model/exec-frame.ts';
import { type ConversationOptions, ExecConversation } from './exec-conversation.ts';

interface Held {
  readonly client: Duplex;
  readonly over: Promise<void>;
  readonly sessions: FakeExec[];
  exchange(...frames: (ExecFrame | Buffer)[]): Promise<readonly ExecOutput[]>;
}

function hold(options: Partial<ConversationOptions> = {}): Held {
  const [client, server] = duplexPair();
  const sessions: FakeExec[] = [];
  const open = async (command: ExecCommand): Promise<FakeExec> => {
    const session = new FakeExec(command, new Promise(() => undefined));
    sessions.push(session);
    return session;
  };
  const stopping = new AbortController().signal;
  const over = ExecConversation.hold(server, { open, idleMs: 60_000, stopping, ...options });
  return { client, over, sessions, exchange: (...frames) => exchangeFrames(client, frames) };
}

const start = (...command: string[]): ExecFrame => ({ kind: 'start', command: { command, stdin: true } });
const running: ExecOutput = { kind: 'credit', bytes: 0 };

test('a command is told as running, then with its output, then with its end', async () => {
  const held = hold();
  assert.deepEqual(await held.exchange(start('echo', 'hi')), [
    running,
    { kind: 'stdout', data: Buffer.from('hi\n') },
    { kind: 'exit', exitCode: 0, signal: null },
  ]);
  await held.over;
});

test('what may not be sent ends the session with the reason', async () => {
  const cases: readonly [readonly (ExecFrame | Buffer)[], string, RegExp][] = [
    [[{ kind: 'stdin-end' }], 'invalid', /stdin-end frame came before the command runs/],
    [[start('sleep'), start('sleep')], 'invalid', /second start frame/],
    [[start('sleep'), { kind: 'exit', exitCode: 0, signal: null }], 'invalid', /exit frame/],
    [[Buffer.from([77, 0, 0, 0, 0])], 'invalid', /frame kind 77 is unknown/],
    [[Buffer.from([1, 255, 0, 0, 0])], 'too-large', /limit is 65536/],
    [[start('')], 'invalid', /the command is empty/],
    [[start('a', 'b\0')], 'invalid', /word 2 of the command has a NUL byte/],
  ];
  for (const [frames, code, message] of cases) {
    const held = hold();
    const last = (await held.exchange(...frames)).at(-1);
    await held.over;
    assert.ok(last?.kind === 'error', JSON.stringify(last));
    assert.equal(last.code, code);
    assert.match(last.message, message);
  }
});

test('stdin beyond what was credited ends the session, stdin within it does not', async () => {
  const held = hold();
  const parts = Array.from(
    { length: 3 },
    (): ExecFrame => ({ kind: 'stdin', data: Buffer.alloc(stdinWindowBytes / 2) }),
  );
  held.client.write(encodeExecFrame(start('mute')));
  await until('it runs', () => held.sessions.length === 1);
  // The fake credits at once, so a session that does not is needed.
  Object.assign(held.sessions[0] as object, { send: () => undefined });
  const last = (await held.exchange(...parts)).at(-1);
  assert.ok(last?.kind === 'error');
  assert.match(last.message, /more than 262144 bytes of stdin came without credit/);
});

test('silence, and the end of the platform, end a session and say so', async () => {
  const idle = (await hold({ idleMs: 30 }).exchange(start('sleep'))).at(-1);
  assert.ok(idle?.kind === 'error' && idle.code === 'deadline');
  assert.match(idle.message, /nothing was said for 0.03 s/);
  const stopping = new AbortController();
  const held = hold({ stopping: stopping.signal });
  const ending = held.exchange(start('sleep'));
  await until('it runs', () => held.sessions.length === 1);
  stopping.abort();
  assert.deepEqual((await ending).at(-1), { kind: 'error', code: 'unavailable', message: 'the platform is stopping' });
  await held.over;
});

test('a client that leaves ends the command, also while it is being started', async () => {
  const early = hold();
  early.client.destroy();
  await early.over;
  const opening = Promise.withResolvers<FakeExec>();
  const late = hold({ open: () => opening.promise });
  late.client.write(encodeExecFrame(start('sleep')));
  late.client.destroy();
  await late.over;
  const session = new FakeExec({ command: ['sleep'], stdin: false }, new Promise(() => undefined));
  opening.resolve(session);
  assert.equal((await Array.fromAsync(session.output)).at(-1)?.kind, 'error');
});

test('a command that cannot be started is told with code and hint', async () => {
  const refusal = new TinderboxError('unsupported', 'no terminal here', { hint: 'leave out -t' });
  const said = await hold({ open: () => Promise.reject(refusal) }).exchange(start('top'));
  assert.deepEqual(said, [{ kind: 'error', code: 'unsupported', message: 'no terminal here', hint: 'leave out -t' }]);
});
