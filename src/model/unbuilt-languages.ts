import { TinderboxError } from './errors.ts';

/** Languages that are known and not built here: why, behind what names them in a sentence, and what to do instead. */
const unbuilt = {
  dockerfile: {
    why: 'needs a container builder, which this engine does not have',
    hint: 'use lang exec with fprocess for any program, or the language the function is written in',
  },
  dotnet: {
    why: 'is not built here: Debian has no SDK for it',
    hint:
      "with Microsoft's SDK (https://dot.net) run dotnet publish -c Release -r linux-x64 --self-contained -o out, " +
      'and send the folder out with lang exec and the program as fprocess',
  },
} as const;

export type UnbuiltLanguage = keyof typeof unbuilt;

export function isUnbuilt(language: string): language is UnbuiltLanguage {
  return Object.hasOwn(unbuilt, language);
}

/** `invalid`, with advice; `what` is what was asked for. */
export function unbuiltError(language: UnbuiltLanguage, what: string): TinderboxError {
  const { why, hint } = unbuilt[language];
  return new TinderboxError('invalid', `${what} ${why}`, { hint });
}
