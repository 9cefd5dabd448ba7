import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { TinderboxError } from '../model/errors.ts';
import type { CompileAnswer, CompileOrder } from './type-script-thread.ts';
import { type CompiledTypeScript, isTypeScript } from './type-script.ts';
import { errorFromWire } from './worker-protocol.ts';

export interface TypeScriptCompiler {
  /**
   * Makes JavaScript of the TypeScript among these files of a folder, as `compileTypeScript` does. Throws `build-failed`
   * when that takes too long or too much memory, `canceled` when the signal aborts.
   */
  compile(order: CompileOrder, signal: AbortSignal): Promise<CompiledTypeScript>;
}

interface CompilerLimits {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
}

/**
 * Compiles in threads, so that no source holds up or breaks the builds of others. A thread serves one build at a time, and
 * is used again only when all went well.
 */
export function createTypeScriptCompiler(limits: CompilerLimits): TypeScriptCompiler {
  const idle: Worker[] = [];
  return {
    async compile(order, signal) {
      if (!order.paths.some(isTypeScript)) return { files: [], renamed: new Map() };
      const thread = idle.pop() ?? startThread(limits);
      thread.ref();
      try {
        const compiled = await compileIn(thread, order, limits.timeoutMs, signal);
        if (idle.length > 0) await thread.terminate();
        else idle.push(thread);
        thread.unref();
        return compiled;
      } catch (error) {
        await thread.terminate();
        throw error;
      }
    },
  };
}

function startThread({ memoryBytes }: CompilerLimits): Worker {
  const module = new URL(`./type-script-thread${extname(import.meta.filename)}`, import.meta.url);
  const thread = new Worker(module, { resourceLimits: { maxOldGenerationSizeMb: memoryBytes / 2 ** 20 } });
  // Whoever waits for it is told; one that waits for work is not missed.
  thread.on('error', () => undefined);
  return thread;
}

async function compileIn(
  thread: Worker,
  order: CompileOrder,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<CompiledTypeScript> {
  const late = AbortSignal.timeout(timeoutMs);
  thread.postMessage(order);
  const [answer] = (await once(thread, 'message', { signal: AbortSignal.any([signal, late]) }).catch((cause) => {
    throw failure(cause, signal, late, timeoutMs);
  })) as [CompileAnswer];
  if ('error' in answer) throw errorFromWire(answer.error);
  return answer.compiled;
}

function failure(cause: unknown, signal: AbortSignal, late: AbortSignal, timeoutMs: number): TinderboxError {
  if (signal.aborted) return new TinderboxError('canceled', 'the build was canceled');
  const why = late.aborted ? `it took longer than ${timeoutMs} ms` : TinderboxError.from(cause).message;
  return new TinderboxError('build-failed', `TypeScript was not made JavaScript: ${why}`, { cause });
}
