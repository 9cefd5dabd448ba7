import { TinderboxError } from '../../model/errors.ts';
import { programPlan, templatePlan } from '../interpreted.ts';
import type { BuildStep, LanguageBuilder, SourceView } from '../language-builder.ts';
import { readEntry } from '../read-entry.ts';

const main = 'tinderbox_main.php';

/** PHP, in the shape of OpenFaaS's php8: `App\Handler` in src/Handler.php with `handle($data)`, a process per call. */
export const php: LanguageBuilder = {
  name: 'php',
  signs: [/^(composer\.json|handler\.php|index\.php)$/],
  async plan(view, order) {
    if (!view.files.has('src/Handler.php')) {
      throw new TinderboxError('invalid', 'no handler found: there is no src/Handler.php', {
        hint: 'define class Handler in namespace App there, with a method handle($data)',
      });
    }
    return programPlan(
      order,
      { process: `php ${main}`, mode: 'fork' },
      {
        steps: await composerSteps(view, ''),
        files: [{ path: main, text: await readEntry('php/main.php') }],
        tools: ['php'],
      },
    );
  },
  template: {
    mains: ['index.php'],
    async plan(source) {
      const steps = await composerSteps(source.view, source.handlerFolder);
      return templatePlan(source, 'php index.php', { steps, tools: ['php'] });
    },
  },
};

/** Where nothing but PHP itself is required, Composer still makes the loader that composer.json describes. */
async function composerSteps(view: SourceView, folder: string): Promise<readonly BuildStep[]> {
  const prefix = folder === '' ? '' : `${folder}/`;
  if (!view.files.has(`${prefix}composer.json`)) return [];
  const args = ['install', '--no-dev', '--no-interaction', '--no-progress', '--no-ansi', '--no-scripts'];
  const step = { name: 'composer', tool: 'composer', args, path: ['php'] } as const;
  return [folder === '' ? step : { ...step, folder }];
}
