import type { InvokeMode } from '../../model/artifact.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { BuildOrder } from '../build-order.ts';
import type { BuildPlan, SourceView, StepKind } from '../plan.ts';

/** A program: built by Makefile or build.sh where there is one, run as `process` says or as the only program there is. */
export async function planExec(
  view: SourceView,
  order: BuildOrder,
): Promise<Pick<BuildPlan, 'mode' | 'process' | 'steps'>> {
  const mode = parseMode(order.mode);
  const steps: StepKind[] = [];
  if (view.files.has('Makefile')) steps.push('make');
  else if (view.files.has('build.sh')) steps.push('script');
  const process = order.process ?? findProcess(view, steps.length > 0);
  assertProcess(process);
  return { mode, process, steps };
}

function parseMode(mode: string | undefined): InvokeMode {
  if (mode === undefined || mode === '') return 'fork';
  if (mode === 'fork' || mode === 'http') return mode;
  throw new TinderboxError('invalid', `mode "${mode.slice(0, 100)}" is neither fork nor http`);
}

function findProcess(view: SourceView, builds: boolean): string {
  if (view.files.has('handler.sh')) return view.files.get('handler.sh') === true ? './handler.sh' : 'sh handler.sh';
  // A build makes its program only later; `handler` is what the templates' build makes.
  if (builds) return './handler';
  const programs = [...view.files].filter(([path, executable]) => executable && !path.includes('/'));
  const only = programs.length === 1 ? programs[0] : undefined;
  if (only !== undefined) return `./${only[0]}`;
  throw new TinderboxError('invalid', `no process given, and ${programs.length} executable files to choose from`, {
    hint: 'set fprocess (stack.yaml) to the command line, for example ./handler',
  });
}

function assertProcess(process: string): void {
  if (process.trim() === '' || process.length > 4096 || /[\0\n\r]/.test(process)) {
    throw new TinderboxError('invalid', 'process is empty, longer than 4096 characters, or holds a line break');
  }
}
