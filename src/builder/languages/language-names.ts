import type { Language } from '../../model/artifact.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { BuildOrder } from '../build-order.ts';
import type { SourceView } from '../plan.ts';

/** Names a `lang` may have, those of OpenFaaS's templates included. */
const names: readonly { readonly language: Language; readonly pattern: RegExp }[] = [
  { language: 'node', pattern: /^(node(js|\d*)(-[a-z0-9]+)*|javascript|js|typescript|ts)$/ },
  { language: 'python', pattern: /^(python(3(\.\d+)?)?(-[a-z0-9]+)*|py)$/ },
  { language: 'exec', pattern: /^(exec|bash(-streaming)?|sh|c|binary)$/ },
];

const knownNames = 'node, typescript, python3, exec, bash, c';

/** The language a `lang` stands for. Throws `invalid` with the known ones for any other. */
export function resolveLanguage(name: string): Language {
  const found = names.find((entry) => entry.pattern.test(name));
  if (found === undefined) {
    throw new TinderboxError('invalid', `language "${name.slice(0, 100)}" is not known; known are ${knownNames}`);
  }
  return found.language;
}

const signs: readonly { readonly language: Language; readonly pattern: RegExp }[] = [
  { language: 'node', pattern: /^(handler|index|main|function|app)\.([cm]?[jt]s)$|^package\.json$/ },
  { language: 'python', pattern: /^(handler|index|main|function|app)\.py$|^requirements\.txt$/ },
  { language: 'exec', pattern: /^(Makefile|build\.sh|handler\.sh)$/ },
  { language: 'node', pattern: /^[^/]+\.[cm]?[jt]s$/ },
  { language: 'python', pattern: /^[^/]+\.py$/ },
];

/** The language the files speak. Throws `invalid` with the known ones when none is recognised. */
export function detectLanguage(view: SourceView, order: BuildOrder): Language {
  if (order.process !== undefined) return 'exec';
  const top = [...view.files.keys()].filter((path) => !path.includes('/'));
  const found = signs.find((sign) => top.some((path) => sign.pattern.test(path)));
  if (found !== undefined) return found.language;
  if (top.some((path) => view.files.get(path) === true)) return 'exec';
  throw new TinderboxError('invalid', `no language recognised from ${describe(top)}; known are ${knownNames}`, {
    hint: 'name the handler handler.js, handler.ts or handler.py, or set lang',
  });
}

function describe(paths: readonly string[]): string {
  if (paths.length === 0) return 'a folder without files at its top';
  const shown = paths.slice(0, 5).join(', ');
  return paths.length > 5 ? `${shown} and ${paths.length - 5} more` : shown;
}

/** First of the usual handler names that is there, else the only file that could be it. */
export function findHandler(view: SourceView, extensions: readonly string[]): string | undefined {
  for (const base of ['handler', 'index', 'main', 'function', 'app']) {
    const found = extensions.find((extension) => view.files.has(`${base}.${extension}`));
    if (found !== undefined) return `${base}.${found}`;
  }
  const candidates = [...view.files.keys()].filter(
    (path) => !path.includes('/') && extensions.includes(path.slice(path.indexOf('.') + 1)),
  );
  return candidates.length === 1 ? candidates[0] : undefined;
}
