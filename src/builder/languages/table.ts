import { TinderboxError } from '../../model/errors.ts';
import { commonLanguageNames, findLanguage } from '../../model/languages.ts';
import type { BuildOrder } from '../build-order.ts';
import type { LanguageBuilder, SourceView } from '../language-builder.ts';
import { cobol } from './cobol.ts';
import { dockerfile } from './dockerfile.ts';
import { dotnet } from './dotnet.ts';
import { exec } from './exec.ts';
import { go } from './go.ts';
import { java } from './java.ts';
import { lua } from './lua.ts';
import { node } from './node.ts';
import { perl } from './perl.ts';
import { php } from './php.ts';
import { python } from './python.ts';
import { ruby } from './ruby.ts';
import { rust } from './rust.ts';

/** Every language of the builder. Where files tell of several, the first in this order counts. */
export const languages: readonly LanguageBuilder[] = [
  node,
  python,
  exec,
  go,
  rust,
  java,
  ruby,
  php,
  perl,
  lua,
  cobol,
  dotnet,
  dockerfile,
];

/** The language of a `lang`, or of the files when there is none. Throws `invalid` with the known ones. */
export function chooseLanguage(view: SourceView, order: BuildOrder): LanguageBuilder {
  const name = order.language === undefined ? detectLanguage(view, order) : resolveName(order.language);
  const found = languages.find((language) => language.name === name);
  if (found === undefined) throw new TinderboxError('unsupported', `nothing here builds ${name}`);
  return found;
}

/** The language whose main a template has at its top; undefined: it brings none that could be run here. */
export function findTemplateLanguage(view: SourceView): LanguageBuilder | undefined {
  return languages.find(({ template }) => template?.mains.some((name) => view.files.has(name)) === true);
}

function resolveName(lang: string): string {
  const found = findLanguage(lang);
  if (found !== undefined) return found.language;
  throw new TinderboxError('invalid', `language "${lang.slice(0, 100)}" is not known; known are ${known()}`);
}

function detectLanguage(view: SourceView, order: BuildOrder): string {
  if (order.process !== undefined) return 'exec';
  const top = [...view.files.keys()].filter((path) => !path.includes('/'));
  const ranks = Math.max(...languages.map((language) => language.signs.length));
  for (let rank = 0; rank < ranks; rank += 1) {
    const found = languages.find(({ signs }) => top.some((path) => signs[rank]?.test(path) === true));
    if (found !== undefined) return found.name;
  }
  if (top.some((path) => view.files.get(path) === true)) return 'exec';
  throw new TinderboxError('invalid', `no language recognised from ${describe(top)}; known are ${known()}`, {
    hint: 'name the handler handler.js, handler.ts, handler.py or handler.go, or set lang',
  });
}

function known(): string {
  return commonLanguageNames.join(', ');
}

function describe(paths: readonly string[]): string {
  if (paths.length === 0) return 'a folder without files at its top';
  const shown = paths.slice(0, 5).join(', ');
  return paths.length > 5 ? `${shown} and ${paths.length - 5} more` : shown;
}
