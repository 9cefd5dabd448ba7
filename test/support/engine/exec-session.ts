import type { ExecCommand, ExecInput, ExecOutput, ExecSession } from '../../../src/model/exec.ts';
import { until } from '../until.ts';

/** A session whose output is read as it comes, and looked at by a test. */
export interface WatchedSession {
  send(input: ExecInput): void;
  write(text: string): void;
  close(): void;
  readonly stdout: string;
  readonly stderr: string;
  /** Waits until stdout matches. */
  said(pattern: RegExp): Promise<void>;
  /** The last frame. */
  readonly end: Promise<ExecOutput | undefined>;
}

/** Starts reading at once. */
export function watchSession(session: ExecSession): WatchedSession {
  const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const text = (kind: 'stdout' | 'stderr'): string => Buffer.concat(parts[kind]).toString();
  const read = async (): Promise<ExecOutput | undefined> => {
    let last: ExecOutput | undefined;
    for await (const frame of session.output) {
      if (frame.kind === 'stdout' || frame.kind === 'stderr') parts[frame.kind].push(frame.data);
      last = frame;
    }
    return last;
  };
  const end = read();
  return {
    send: (input) => session.send(input),
    write: (data) => session.send({ kind: 'stdin', data: Buffer.from(data) }),
    close: () => session.close(),
    get stdout() {
      return text('stdout');
    },
    get stderr() {
      return text('stderr');
    },
    said: async (pattern) => {
      await until(`${pattern} in ${JSON.stringify(text('stdout'))}`, () => pattern.test(text('stdout')), 20_000);
    },
    end,
  };
}

/** A command line for `sh -c`. */
export function shellCommand(script: string, more: Partial<ExecCommand> = {}): ExecCommand {
  return { command: ['sh', '-c', script], stdin: false, ...more };
}
