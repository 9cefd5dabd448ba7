import { errorCodes, type ErrorCode, TinderboxError } from './errors.ts';
import { type ExecCommand, type ExecInput, type ExecOutput, type ExecSignal, execSignals } from './exec.ts';

/**
 * The frames of an exec session, protocol `tinderbox-exec`: one byte kind, four bytes length of what follows (big
 * endian), and that. The client sends `start` first and once, then input; the platform sends output.
 */
export const execProtocol = 'tinderbox-exec';

/** Most bytes in one frame, so a command line of that length too. */
export const maxExecFrameBytes = 64 * 1024;

/** The first frame of a client. */
export interface ExecStart {
  readonly kind: 'start';
  readonly command: ExecCommand;
}

export type ExecFrame = ExecStart | ExecInput | ExecOutput;

const kinds = {
  start: 0,
  stdin: 1,
  'stdin-end': 2,
  resize: 3,
  signal: 4,
  stdout: 16,
  stderr: 17,
  credit: 18,
  exit: 19,
  error: 20,
} as const satisfies Record<ExecFrame['kind'], number>;

const headBytes = 5;
const mostCells = 4096;
const mostWords = 4096;

/** Data longer than a frame becomes several. */
export function encodeExecFrame(frame: ExecFrame): Buffer {
  if ('data' in frame && frame.data.length > maxExecFrameBytes) {
    const parts: Buffer[] = [];
    for (let at = 0; at < frame.data.length; at += maxExecFrameBytes) {
      parts.push(encodeOne(kinds[frame.kind], frame.data.subarray(at, at + maxExecFrameBytes)));
    }
    return Buffer.concat(parts);
  }
  const payload = payloadOf(frame);
  if (payload.length > maxExecFrameBytes) throw tooLong(frame.kind, payload.length);
  return encodeOne(kinds[frame.kind], payload);
}

/** Turns bytes as they arrive into frames. Throws `invalid` or `too-large` for what no peer may send, and is done then. */
export class ExecFrameReader {
  #bytes: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): readonly ExecFrame[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const frames: ExecFrame[] = [];
    let at = 0;
    while (this.#bytes.length - at >= headBytes) {
      const kind = kindOf(this.#bytes[at] ?? 255);
      const length = this.#bytes.readUInt32BE(at + 1);
      if (length > maxExecFrameBytes) throw tooLong(kind, length);
      if (this.#bytes.length - at - headBytes < length) break;
      frames.push(decodeOne(kind, this.#bytes.subarray(at + headBytes, at + headBytes + length)));
      at += headBytes + length;
    }
    this.#bytes = this.#bytes.subarray(at);
    return frames;
  }
}

/** Checks what came as `start`. Throws `invalid`, naming the member. */
export function parseExecCommand(value: unknown): ExecCommand {
  const { command, stdin, terminal } = asRecord(value, 'the start frame');
  if (!Array.isArray(command) || command.length === 0 || command[0] === '') throw invalid('the command is empty');
  if (command.length > mostWords) throw invalid(`the command has ${command.length} words, the limit is ${mostWords}`);
  const words = command.map((word: unknown, index) => {
    if (typeof word !== 'string') throw invalid(`word ${index + 1} of the command is no text`);
    if (word.includes('\0')) throw invalid(`word ${index + 1} of the command has a NUL byte in it`);
    return word;
  });
  if (typeof stdin !== 'boolean') throw invalid('stdin must be true or false');
  if (terminal === undefined) return { command: words, stdin };
  const { type, ...size } = asRecord(terminal, 'the terminal');
  if (typeof type !== 'string' || !/^[A-Za-z0-9][\w.+-]{0,63}$/.test(type)) {
    throw invalid(`the type of the terminal, ${JSON.stringify(type)}, is no name`);
  }
  return { command: words, stdin, terminal: { ...parseSize(size), type } };
}

function payloadOf(frame: ExecFrame): Buffer {
  if ('data' in frame) return frame.data;
  if (frame.kind === 'stdin-end') return Buffer.alloc(0);
  if (frame.kind === 'signal') return Buffer.from(frame.signal);
  if (frame.kind === 'start') return Buffer.from(JSON.stringify(frame.command));
  const { kind: _, ...rest } = frame;
  return Buffer.from(JSON.stringify(rest));
}

function encodeOne(kind: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + payload.length);
  frame[0] = kind;
  frame.writeUInt32BE(payload.length, 1);
  payload.copy(frame, headBytes);
  return frame;
}

function kindOf(byte: number): ExecFrame['kind'] {
  const found = Object.entries(kinds).find(([, value]) => value === byte);
  if (found === undefined) throw invalid(`frame kind ${byte} is unknown`);
  return found[0] as ExecFrame['kind'];
}

function decodeOne(kind: ExecFrame['kind'], payload: Buffer): ExecFrame {
  if (kind === 'stdin' || kind === 'stdout' || kind === 'stderr') return { kind, data: payload };
  if (kind === 'stdin-end') return { kind };
  if (kind === 'signal') return { kind, signal: parseSignal(payload.toString('latin1')) };
  const value = parseJson(kind, payload);
  if (kind === 'start') return { kind, command: parseExecCommand(value) };
  if (kind === 'resize') return { kind, ...parseSize(asRecord(value, 'the size')) };
  return parseOutput(kind, asRecord(value, `the ${kind} frame`));
}

function parseOutput(kind: 'credit' | 'exit' | 'error', value: Record<string, unknown>): ExecOutput {
  if (kind === 'credit') return { kind, bytes: Number(value['bytes']) };
  if (kind === 'exit') {
    const { exitCode, signal } = value;
    return {
      kind,
      exitCode: typeof exitCode === 'number' ? exitCode : null,
      signal: typeof signal === 'string' ? signal : null,
    };
  }
  const { code, message, hint } = value;
  return {
    kind,
    code: typeof code === 'string' && Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'internal',
    message: String(message),
    ...(typeof hint === 'string' ? { hint } : {}),
  };
}

function parseSignal(name: string): ExecSignal {
  const signal = execSignals.find((known) => known === name);
  if (signal === undefined) throw invalid(`signal "${name.slice(0, 20)}" is not one of ${execSignals.join(', ')}`);
  return signal;
}

function parseSize({ rows, columns }: Record<string, unknown>): { readonly rows: number; readonly columns: number } {
  for (const [name, value] of Object.entries({ rows, columns })) {
    if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= mostCells) continue;
    throw invalid(`${name} of the terminal, ${JSON.stringify(value)}, is not a whole number from 1 to ${mostCells}`);
  }
  return { rows: Number(rows), columns: Number(columns) };
}

function parseJson(kind: string, payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8')) as unknown;
  } catch {
    throw invalid(`the ${kind} frame is no JSON`);
  }
}

function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(`${what} is no JSON object`);
}

function tooLong(kind: string, length: number): TinderboxError {
  return new TinderboxError('too-large', `a ${kind} frame of ${length} bytes: the limit is ${maxExecFrameBytes}`);
}

function invalid(message: string): TinderboxError {
  return new TinderboxError('invalid', message);
}
