import { TinderboxError } from '../../model/errors.ts';
import type { BuildPlan, SourceView, StepKind } from '../plan.ts';
import { findHandler } from './language-names.ts';

/** Below this, compiling at first import costs less than a build step. */
const compileFromBytes = 32 * 1024;

/** Python: a usual handler name; pip only when requirements.txt names something. */
export async function planPython(view: SourceView): Promise<Pick<BuildPlan, 'handler' | 'steps'>> {
  const handler = findHandler(view, ['py']);
  if (handler === undefined) {
    throw new TinderboxError('invalid', 'no handler found: there is no handler.py, index.py or main.py', {
      hint: 'name the file handler.py and define handle(event, context) or handle(req) in it',
    });
  }
  const steps: StepKind[] = [];
  if (namesSomething(await view.read('requirements.txt'))) steps.push('pip');
  if (steps.length > 0 || view.bytesOf('.py') >= compileFromBytes) steps.push('compile-python');
  return { handler, steps };
}

function namesSomething(requirements: string | undefined): boolean {
  return (requirements ?? '').split('\n').some((line) => line.replace(/#.*/, '').trim() !== '');
}
