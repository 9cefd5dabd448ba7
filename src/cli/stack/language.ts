import { TinderboxError } from '../../model/errors.ts';
import { commonLanguageNames, findLanguage } from '../../model/languages.ts';
import type { LanguageName } from '../../model/languages.ts';
import { isUnbuilt, unbuiltError } from '../../model/unbuilt-languages.ts';
import { nearestName } from './nearest-name.ts';

/** The language and the template a `lang` stands for. Throws `invalid` with advice for what is not built here. */
export function resolveLanguage(lang: string): { readonly language: LanguageName; readonly template: string } {
  const found = findLanguage(lang);
  if (found !== undefined && isUnbuilt(found.language)) throw unbuiltError(found.language, `lang "${lang}"`);
  if (found !== undefined) return found;
  const nearest = nearestName(lang.toLowerCase(), commonLanguageNames);
  throw new TinderboxError('invalid', `lang "${lang}" is not known`, {
    hint:
      nearest === undefined
        ? `known languages: ${commonLanguageNames.join(', ')}; any other program runs with lang exec and fprocess; a template of a repository: tinderbox template pull REPOSITORY`
        : `did you mean "${nearest}"?`,
  });
}
