import type { BuildTarget } from '../rollout/build-target.ts';
import { printError } from '../terminal/print-error.ts';
import type { Shell } from '../terminal/shell.ts';
import { watchProject } from '../watch/watch-project.ts';

/**
 * Runs `once` until something of the source changes, then stops it and runs it again. A run that fails is told, and the
 * next change may mend it. Ends with the shell's signal.
 */
export async function watchRun(
  shell: Shell,
  target: BuildTarget,
  once: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const paths = typeof target.source === 'string' ? [target.source] : target.source.map(({ path }) => path);
  let current: Running | undefined;
  await watchProject(
    async () => paths.map((path) => ({ owner: undefined, path })),
    async () => {
      if (current !== undefined) shell.stderr.write('[Watch] the source changed\n');
      await current?.stop();
      current = start(shell, once);
    },
    shell.signal,
  );
  await current?.stop();
}

interface Running {
  stop(): Promise<void>;
}

function start(shell: Shell, once: (signal: AbortSignal) => Promise<void>): Running {
  const stopped = new AbortController();
  const running = once(AbortSignal.any([stopped.signal, shell.signal])).catch((reason: unknown) => {
    if (!stopped.signal.aborted && !shell.signal.aborted) printError(shell, reason);
  });
  return {
    stop: () => {
      stopped.abort();
      return running;
    },
  };
}
