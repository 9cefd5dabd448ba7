import { TinderboxError } from '../../model/errors.ts';
import { programPlan } from '../interpreted.ts';
import type { LanguageBuilder } from '../language-builder.ts';

/** COBOL, compiled with GnuCOBOL: a program per call, stdin and stdout; further sources at the top are its subprograms. */
export const cobol: LanguageBuilder = {
  name: 'cobol',
  signs: [/^handler\.(cob|cbl|cobol)$/, /^[^/]+\.(cob|cbl|cobol)$/],
  async plan(view, order) {
    const sources = [...view.files.keys()].filter((path) => /^[^/]+\.(cob|cbl|cobol)$/.test(path)).sort();
    const main = sources.find((path) => path.startsWith('handler.')) ?? (sources.length === 1 ? sources[0] : undefined);
    if (main === undefined) {
      throw new TinderboxError('invalid', `no handler found among ${sources.length} COBOL sources`, {
        hint: 'name the one with the main program handler.cob',
      });
    }
    const others = sources.filter((path) => path !== main);
    const args = ['-x', '-O', '-o', 'handler', main, ...others];
    return programPlan(
      order,
      { process: './handler', mode: 'fork' },
      {
        steps: [{ name: 'cobc', tool: 'cobc', args, path: ['cc'] }],
        tools: ['cobc'],
      },
    );
  },
};
