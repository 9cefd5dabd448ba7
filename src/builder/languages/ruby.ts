import { TinderboxError } from '../../model/errors.ts';
import { programPlan, templatePlan } from '../interpreted.ts';
import type { BuildStep, LanguageBuilder, SourceView } from '../language-builder.ts';
import { readEntry } from '../read-entry.ts';

const main = 'tinderbox_main.rb';
/** Where bundler puts gems, relative to the code, for the build and for the function. */
const gems = { BUNDLE_PATH: 'vendor/bundle' };

/** A Gemfile without any of these, as templates have it, needs no bundler. */
const asksForGems = /^[ \t]*(gem|gemspec|eval_gemfile|instance_eval|plugin)\b/m;

/**
 * Ruby, in the shapes of OpenFaaS's templates: `Handler#run(body)` in handler.rb once per call, or `run(body, headers)`, which
 * gives back body, headers and status, in a server.
 */
export const ruby: LanguageBuilder = {
  name: 'ruby',
  signs: [/^(handler\.rb|Gemfile)$/, /^[^/]+\.rb$/],
  async plan(view, order) {
    const parameters = /def\s+run\s*\(?([^)\n]*)\)?/.exec((await view.read('handler.rb')) ?? '')?.[1];
    if (parameters === undefined) {
      throw new TinderboxError('invalid', 'no handler found: there is no handler.rb with a method run', {
        hint: 'define class Handler with run(body, headers), or run(body), in handler.rb',
      });
    }
    const serves = parameters.includes(',');
    const gemfile = (await view.read('Gemfile')) ?? '';
    const steps = [...(asksForGems.test(gemfile) ? bundleSteps(view, '') : []), ...(serves ? [webrickStep] : [])];
    return programPlan(
      order,
      { process: `ruby ${main}`, mode: serves ? 'http' : 'fork' },
      {
        steps,
        files: [{ path: main, text: await readEntry(serves ? 'ruby/serve.rb' : 'ruby/call.rb') }],
        tools: ['ruby'],
        env: steps.some((step) => step.tool === 'bundle') ? gems : {},
      },
    );
  },
  template: {
    mains: ['index.rb'],
    async plan(source) {
      const steps = [...bundleSteps(source.view, ''), ...bundleSteps(source.view, source.handlerFolder)];
      return templatePlan(source, 'ruby index.rb', { steps, tools: ['ruby'], env: steps.length === 0 ? {} : gems });
    },
  },
};

/** Tells at build what would else be known only when the function starts. */
const webrickStep: BuildStep = {
  name: 'webrick (apt-get install ruby-webrick)',
  tool: 'ruby',
  args: ['-rwebrick', '-e', '0'],
};

function bundleSteps(view: SourceView, folder: string): readonly BuildStep[] {
  if (!view.files.has(folder === '' ? 'Gemfile' : `${folder}/Gemfile`)) return [];
  const step = { name: 'bundle', tool: 'bundle', args: ['install', '--no-color'], path: ['ruby'], env: gems } as const;
  return [folder === '' ? step : { ...step, folder }];
}
