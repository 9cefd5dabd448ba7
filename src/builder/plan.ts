import type { InvokeMode, Language } from '../model/artifact.ts';
import { TinderboxError } from '../model/errors.ts';
import type { BuildOrder } from './build-order.ts';
import { detectLanguage, resolveLanguage } from './languages/language-names.ts';
import { planExec } from './languages/exec.ts';
import { planNode } from './languages/node.ts';
import { planPython } from './languages/python.ts';
import type { SourceTree } from './source-tree.ts';

/** Something untrusted a build runs, inside the sandbox and in this order. */
export type StepKind = 'npm-ci' | 'npm-install' | 'pip' | 'compile-python' | 'make' | 'script';

/** How a source becomes an artifact; follows from the files and the order alone. */
export interface BuildPlan {
  readonly language: Language;
  readonly mode: InvokeMode;
  /** Folder of the source that becomes the artifact's code: `''` or, in the shape faas-cli sends, `function`. */
  readonly root: string;
  /** Handler module relative to `root`, for `frame`. */
  readonly handler?: string;
  readonly process?: string;
  readonly steps: readonly StepKind[];
}

/** What a language sees of the source: the files of the chosen root. */
export interface SourceView {
  /** Paths of files relative to the root, with their executable bit. */
  readonly files: ReadonlyMap<string, boolean>;
  /** Size of all files whose name ends so. */
  bytesOf(suffix: string): number;
  /** Content of a small text file; undefined when it is not there. Throws `too-large` above 1 MiB. */
  read(path: string): Promise<string | undefined>;
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
  const language = order.language === undefined ? detectLanguage(view, order) : resolveLanguage(order.language);
  if (language === 'exec') return { language, root, ...(await planExec(view, order)) };
  if (order.process !== undefined || (order.mode !== undefined && order.mode !== 'frame')) {
    throw new TinderboxError('invalid', `process and mode belong to exec functions, this one is ${language}`, {
      hint: 'set lang: exec to run a program of your own',
    });
  }
  const plan = language === 'node' ? await planNode(view) : await planPython(view);
  return { language, root, mode: 'frame', ...plan };
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
