import { TinderboxError } from '../../model/errors.ts';
import type { BuildStep, LanguageBuilder, SourceView } from '../language-builder.ts';
import { assertProcess, parseMode } from '../program-order.ts';

/** A program: built by Makefile or build.sh where there is one, run as `process` says or as the only program there is. */
export const exec: LanguageBuilder = {
  name: 'exec',
  signs: [/^(Makefile|build\.sh|handler\.sh)$/],
  async plan(view, order) {
    const mode = parseMode(order.mode) ?? 'fork';
    const steps = buildSteps(view);
    // A folder of files has no program.
    if (order.mode === 'static' && order.process === undefined) return { runtime: 'exec', mode, steps };
    const process = order.process ?? findProcess(view, steps.length > 0);
    assertProcess(process);
    return { runtime: 'exec', mode, process, steps };
  },
};

function buildSteps(view: SourceView): readonly BuildStep[] {
  if (view.files.has('Makefile')) return [{ name: 'make', tool: 'make', args: [] }];
  const script = view.files.get('build.sh');
  if (script === undefined) return [];
  return [
    script ? { name: 'script', tool: './build.sh', args: [] } : { name: 'script', tool: 'sh', args: ['build.sh'] },
  ];
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
