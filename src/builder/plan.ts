import { TinderboxError } from '../model/errors.ts';
import type { LanguageName } from '../model/languages.ts';
import type { BuildOrder } from './build-order.ts';
import type { LanguageBuilder, LanguagePlan, SourceView, TemplateBuilder } from './language-builder.ts';
import { chooseLanguage, findTemplateLanguage } from './languages/table.ts';
import { listenVariable } from './listen-port.ts';
import type { SourceTree } from './source-tree.ts';
import { readTemplateSource, settingsOf } from './template-source.ts';
import type { TemplateSource } from './template-source.ts';

/** How a source becomes an artifact; follows from the files and the order alone. */
export interface BuildPlan extends LanguagePlan {
  readonly language: LanguageName;
  /** Folder of the source that becomes the artifact's code: all of it, or a template's handler folder. */
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
  const whole = createView(tree, '', read);
  const template = await readTemplateSource(whole, order);
  if (template !== undefined) {
    const language = findTemplateLanguage(whole);
    if (language?.template !== undefined) return await planTemplate(language, language.template, template);
  }
  const root = template?.handlerFolder ?? '';
  const view = root === '' ? whole : createView(tree, root, read);
  const language = chooseLanguage(view, order);
  const plan = { language: language.name, root, ...(await language.plan(view, order)) };
  // A template's command line was for the main it did not bring.
  if (plan.mode === 'frame' && template === undefined) assertNoProgram(plan, order);
  return plan;
}

/** A template of a repository, by its own main. */
async function planTemplate(
  language: LanguageBuilder,
  builder: TemplateBuilder,
  source: TemplateSource,
): Promise<BuildPlan> {
  const settings = settingsOf(source);
  const plan = await builder.plan(source);
  return {
    language: language.name,
    root: '',
    ...plan,
    env: { ...settings.env, ...plan.env, ...(staysPut(source, plan) ? upstreamOf(source) : {}) },
    notes: [...(settings.notes ?? []), ...(plan.notes ?? [])],
  };
}

/** Whether the main listens on the port it names, and nothing moves it to the instance's own. */
function staysPut({ port }: TemplateSource, plan: LanguagePlan): boolean {
  return port !== undefined && plan.env?.[listenVariable] === undefined;
}

/** By these the watchdog sends calls to where the main listens; there can be one such instance on a machine. */
function upstreamOf({ port }: TemplateSource): Readonly<Record<string, string>> {
  return { mode: 'http', upstream_url: `http://127.0.0.1:${port}` };
}

function assertNoProgram(plan: BuildPlan, order: BuildOrder): void {
  if (order.process === undefined && (order.mode === undefined || order.mode === 'frame')) return;
  throw new TinderboxError('invalid', `process and mode belong to exec functions, this one is ${plan.language}`, {
    hint: 'set lang: exec to run a program of your own',
  });
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
