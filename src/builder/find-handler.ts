import type { SourceView } from './language-builder.ts';

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
