import type { Language } from '../../model/artifact.ts';
import { TinderboxError } from '../../model/errors.ts';
import { nearestName } from './nearest-name.ts';

/** Names a template of tinderbox has. */
export const templateLanguages = ['node', 'typescript', 'python3', 'exec'] as const;

/** What a `lang` of a stack file is written as, and what builds it. */
const spellings: readonly { readonly pattern: RegExp; readonly language: Language; readonly template: string }[] = [
  { pattern: /^(node|nodejs|javascript|js|node-express(-.*)?|node\d+(-.*)?)$/, language: 'node', template: 'node' },
  { pattern: /^(typescript|ts|node\d*-typescript|node\d*-ts)$/, language: 'node', template: 'typescript' },
  { pattern: /^(python|python3(\.\d+)?(-.*)?|py)$/, language: 'python', template: 'python3' },
  { pattern: /^(exec|bash(-streaming)?|sh|c|binary)$/, language: 'exec', template: 'exec' },
];

/** The builder and the template a `lang` stands for. Throws `invalid` with advice for what is not built here. */
export function resolveLanguage(lang: string): { readonly language: Language; readonly template: string } {
  const name = lang.toLowerCase().split('@')[0] ?? '';
  const found = [...spellings].reverse().find(({ pattern }) => pattern.test(name));
  if (found !== undefined) return found;
  if (name === 'dockerfile' || name.startsWith('docker')) {
    throw new TinderboxError('invalid', `lang "${lang}" needs a container builder, which this engine does not have`, {
      hint: 'use lang exec with fprocess for any program, or node, typescript or python3',
    });
  }
  const nearest = nearestName(name, templateLanguages);
  throw new TinderboxError('invalid', `lang "${lang}" is not known`, {
    hint:
      nearest === undefined
        ? `known languages: ${templateLanguages.join(', ')}; any other program runs with lang exec and fprocess`
        : `did you mean "${nearest}"?`,
  });
}
