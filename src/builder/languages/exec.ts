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
    const process = order.process ?? (await findProcess(view, steps.length > 0));
    assertProcess(process);
    const streams = order.mode === 'streaming' || order.language?.startsWith('bash-streaming') === true;
    return { runtime: 'exec', mode, process, steps, ...(streams && mode === 'fork' ? { env: streaming } : {}) };
  },
};

/** What a call writes is sent as it comes. */
const streaming = { mode: 'streaming' };

function buildSteps(view: SourceView): readonly BuildStep[] {
  if (view.files.has('Makefile')) return [{ name: 'make', tool: 'make', args: [] }];
  const script = view.files.get('build.sh');
  if (script === undefined) return [];
  return [
    script ? { name: 'script', tool: './build.sh', args: [] } : { name: 'script', tool: 'sh', args: ['build.sh'] },
  ];
}

async function findProcess(view: SourceView, builds: boolean): Promise<string> {
  if (view.files.get('handler.sh') === true) return './handler.sh';
  if (view.files.has('handler.sh')) return `${shellOf(await view.read('handler.sh'))} handler.sh`;
  // A build makes its program only later; `handler` is what the templates' build makes.
  if (builds) return './handler';
  const programs = [...view.files].filter(([path, executable]) => executable && !path.includes('/'));
  const only = programs.length === 1 ? programs[0] : undefined;
  if (only !== undefined) return `./${only[0]}`;
  throw new TinderboxError('invalid', `no process given, and ${programs.length} executable files to choose from`, {
    hint: 'set fprocess (stack.yaml) to the command line, for example ./handler',
  });
}

/** What the first line of a script asks for, where its executable bit was lost on the way. */
function shellOf(script: string | undefined): string {
  return /^#!.*\b(bash|dash|ksh|zsh)\b/.exec(script ?? '')?.[1] ?? 'sh';
}
