import { TinderboxError } from '../../model/errors.ts';
import { programPlan, templatePlan } from '../interpreted.ts';
import type { LanguageBuilder } from '../language-builder.ts';
import { readEntry } from '../read-entry.ts';

const main = 'tinderbox_main.pl';

/** Perl: `Handler.pm` with `handle($body)`, a process per call; what cpanfile names is installed into `local`. */
export const perl: LanguageBuilder = {
  name: 'perl',
  signs: [/^(Handler\.pm|cpanfile)$/, /^[^/]+\.p[lm]$/],
  async plan(view, order) {
    if (!view.files.has('Handler.pm')) {
      throw new TinderboxError('invalid', 'no handler found: there is no Handler.pm', {
        hint: 'define package Handler there, with sub handle { my ($body) = @_; … }',
      });
    }
    const asks = /^[ \t]*(requires|recommends|suggests|on|feature)\b/m.test((await view.read('cpanfile')) ?? '');
    const install = ['--notest', '--local-lib-contained', 'local', '--installdeps', '.'];
    return programPlan(
      order,
      { process: `perl ${main}`, mode: 'fork' },
      {
        steps: asks ? [{ name: 'cpanm', tool: 'cpanm', args: install, path: ['perl'] }] : [],
        files: [{ path: main, text: await readEntry('perl/main.pl') }],
        tools: ['perl'],
      },
    );
  },
  template: {
    mains: ['index.pl'],
    plan: async (source) => templatePlan(source, 'perl index.pl', { steps: [], tools: ['perl'] }),
  },
};
