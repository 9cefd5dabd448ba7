import { connect, type Socket } from 'node:net';
import { encodeExecFrame, ExecFrameReader } from '../../model/exec-frame.ts';
import type { ExecInput, ExecOutput, ExecSession } from '../../model/exec.ts';
import { TinderboxError } from '../../model/errors.ts';
import { readJsonLines, writeJsonLine } from './keeper/json-lines.ts';
import type { ExecOrder, ExecRequest, KeeperReply } from './keeper/protocol.ts';

/**
 * Has the keeper at this socket start a command that joins a program. Rejects with `cannot-start` when it could not, and
 * `unavailable` when no keeper answers.
 */
export async function openExec(path: string, nonce: string, order: ExecOrder): Promise<ExecSession> {
  const socket = connect(path);
  const request: ExecRequest = { op: 'exec', nonce, order };
  await new Promise<void>((resolve, reject) => {
    const gone = (): void => reject(new TinderboxError('unavailable', 'the keeper process is gone'));
    socket.once('close', gone);
    socket.on('error', () => socket.destroy());
    const stopReading = readJsonLines(socket, (message) => {
      stopReading();
      socket.off('close', gone);
      const reply = message as KeeperReply;
      if ('result' in reply) resolve();
      else reject(new TinderboxError('cannot-start', `the command cannot be started: ${reply.error}`));
    });
    writeJsonLine(socket, { seq: 1, ...request });
  }).catch((error: unknown) => {
    socket.destroy();
    throw error;
  });
  return new KeptExec(socket);
}

/** The platform's end of a command that the keeper holds. */
class KeptExec implements ExecSession {
  readonly output: AsyncIterable<ExecOutput>;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.output = outputOf(socket);
  }

  send(input: ExecInput): void {
    if (this.#socket.writable) this.#socket.write(encodeExecFrame(input));
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function* outputOf(socket: Socket): AsyncGenerator<ExecOutput> {
  const reader = new ExecFrameReader();
  let isOver = false;
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      for (const frame of reader.push(chunk)) {
        isOver ||= frame.kind === 'exit' || frame.kind === 'error';
        yield frame as ExecOutput;
      }
    }
  } catch {
    // Closed by us, or the keeper went: what was not told by then will not be.
  }
  if (!isOver) yield { kind: 'error', code: 'unavailable', message: 'the command was cut off before it ended' };
}
