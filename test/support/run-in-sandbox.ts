/**
 * A program of its own, so that the sandbox can be tried as another user: reads `{ options, runs }` as JSON from
 * its first argument, runs each request and prints `{ abilities, runs }` as JSON.
 */
import { createSandbox, type SandboxOptions } from '../../src/sandbox/create-sandbox.ts';
import { runConfined, type ConfinedOutcome } from '../../src/sandbox/run.ts';
import type { Abilities, ConfineRequest } from '../../src/sandbox/sandbox.ts';

export interface SandboxJob {
  readonly options: SandboxOptions;
  readonly requests: readonly ConfineRequest[];
}

export interface SandboxReport {
  readonly abilities: Abilities;
  readonly runs: readonly {
    /** Message of the refusal. */
    readonly refused?: string;
    readonly outcome?: ConfinedOutcome;
    readonly missing?: readonly string[];
    readonly lines: readonly string[];
  }[];
}

const job = JSON.parse(process.argv[2] ?? '{}') as SandboxJob;
const sandbox = await createSandbox(job.options);
const runs: SandboxReport['runs'][number][] = [];
for (const request of job.requests) {
  const lines: string[] = [];
  try {
    const confined = await sandbox.confine(request);
    const options = { timeoutMs: 1_000, killAfterMs: 300, maxOutputBytes: 2 ** 20 };
    const onOutput = (_stream: string, line: string): void => void lines.push(line);
    const outcome = await runConfined(confined, { ...options, onOutput }, new AbortController().signal);
    runs.push({ outcome, missing: confined.protections.missing, lines });
  } catch (error) {
    runs.push({ refused: (error as Error).message, lines });
  }
}
await sandbox.close();
process.stdout.write(JSON.stringify({ abilities: sandbox.abilities, runs } satisfies SandboxReport));
