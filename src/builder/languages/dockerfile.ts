import { unbuiltError } from '../../model/unbuilt-languages.ts';
import type { LanguageBuilder } from '../language-builder.ts';

/** Images: refused, since this engine runs programs of the machine. The last to be asked, as others know a Dockerfile too. */
export const dockerfile: LanguageBuilder = {
  name: 'dockerfile',
  signs: [/^$/, /^$/, /^Dockerfile$/],
  async plan() {
    throw unbuiltError('dockerfile', 'a Dockerfile');
  },
};
