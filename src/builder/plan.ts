import { TinderboxError } from '../model/errors.ts';
import type { LanguageName } from '../model/languages.ts';
import type { BuildOrder } from './build-order.ts';
import type { LanguagePlan, SourceView } from './language-builder.ts';
import { chooseLanguage } from './languages/table.ts';
import type { SourceTree } from './source-tree.ts';

/** How a source becomes an artifact; follows from the files and the order alone. */
export interface BuildPlan extends LanguagePlan {
  readonly language: LanguageName;
  /** Folder of the source that becomes the artifact's code: `''` or, in the shape faas-cli sends, `function`. */
  readonly root: string;
}

/** Decides language, handler and steps. Throws `invalid` when the source cannot be one of the known kinds. */
export async function planBuild(
  tree: SourceTree,
  order: BuildOrder,
  read: (path: string) => Promise<string>,
): Promise<BuildPlan> {
  if (!tree.entries.some((entry) => entry.kind !== 'directory')) {
    throw new TinderboxError('invalid', 'the source holds no file');
  }
  const root = findRoot(tree);
  const view = createView(tree, root, read);
  const language = chooseLanguage(view, order);
  const plan = { language: language.name, root, ...(await language.plan(view, order)) };
  if (plan.mode === 'frame') assertNoProgram(plan, order);
  return plan;
}

function assertNoProgram(plan: BuildPlan, order: BuildOrder): void {
  if (order.process === undefined && (order.mode === undefined || order.mode === 'frame')) return;
  throw new TinderboxError('invalid', `process and mode belong to exec functions, this one is ${plan.language}`, {
    hint: 'set lang: exec to run a program of your own',
  });
}

/** faas-cli sends a template with a Dockerfile and the function in a folder of its own; only that folder matters here. */
function findRoot(tree: SourceTree): string {
  const kindOf = (path: string): string | undefined => tree.entries.find((entry) => entry.path === path)?.kind;
  return kindOf('Dockerfile') === 'file' && kindOf('function') === 'directory' ? 'function' : '';
}

function createView(tree: SourceTree, root: string, read: (path: string) => Promise<string>): SourceView {
  const prefix = root === '' ? '' : `${root}/`;
  const inside = tree.entries.filter((entry) => entry.kind !== 'directory' && entry.path.startsWith(prefix));
  const byPath = new Map(inside.map((entry) => [entry.path.slice(prefix.length), entry]));
  return {
    files: new Map([...byPath].map(([path, entry]) => [path, entry.executable])),
    bytesOf: (suffix) => inside.reduce((sum, entry) => sum + (entry.path.endsWith(suffix) ? entry.bytes : 0), 0),
    async read(path) {
      const entry = byPath.get(path);
      if (entry === undefined) return undefined;
      if (entry.bytes > 1024 * 1024) throw new TinderboxError('too-large', `"${path}" is larger than 1 MiB`);
      return await read(entry.path);
    },
  };
}
