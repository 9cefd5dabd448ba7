import { TinderboxError } from '../../model/errors.ts';
import type { LanguageBuilder } from '../language-builder.ts';

/** Images: refused, since this engine runs programs of the machine. The last to be asked, as others know a Dockerfile too. */
export const dockerfile: LanguageBuilder = {
  name: 'dockerfile',
  signs: [/^$/, /^$/, /^Dockerfile$/],
  async plan() {
    throw new TinderboxError('invalid', 'a Dockerfile needs a container builder, which this engine does not have', {
      hint: 'send the program itself: lang exec with fprocess for any program, or the language the function is written in',
    });
  },
};
