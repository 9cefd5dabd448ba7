import { TinderboxError } from '../../model/errors.ts';
import type { AddedFile, BuildStep, LanguageBuilder, LanguagePlan, SourceView } from '../language-builder.ts';
import { listenVariable } from '../listen-port.ts';
import { assertProcess, parseMode } from '../program-order.ts';
import { readEntry } from '../read-entry.ts';
import type { TemplateSource } from '../template-source.ts';

/** What a Go handler looks like. */
type HandlerKind = 'classic' | 'http' | 'middleware';

/** The module a handler has where it names none; its mains import it by this name. */
const defaultModule = 'handler/function';
/** Package of the main, inside the handler's own module, so that its go.mod, go.sum and vendor folder count. */
const mainFolder = 'tinderbox_main';

/**
 * Go: a program (`package main`), or a handler in one of OpenFaaS's shapes, told by its signature: `Handle(req []byte) string`
 * once per call, `Handle(req handler.Request) (handler.Response, error)` and `Handle(w http.ResponseWriter, r *http.Request)`
 * in a server.
 */
export const go: LanguageBuilder = {
  name: 'go',
  signs: [/^(go\.mod|handler\.go|main\.go)$/, /^[^/]+\.go$/],
  async plan(view, order) {
    const sources = await readSources(view);
    if (sources.length === 0) {
      throw new TinderboxError('invalid', 'no handler found: there is no .go file at the top', {
        hint: 'put func Handle into handler.go',
      });
    }
    const process = order.process ?? './handler';
    assertProcess(process);
    const asked = parseMode(order.mode);
    if (sources.some((text) => /^package main\b/m.test(text))) return program(view, process, asked ?? 'fork');
    const kind = kindOf(sources);
    const files = await entryFor(kind, moduleOf(await view.read('go.mod')));
    const mode = asked ?? (kind === 'classic' ? 'fork' : 'http');
    return { ...goPlan(await preparationOf(view), `./${mainFolder}`), mode, process, files };
  },
  template: { mains: ['main.go'], plan: planTemplate },
};

/** The template's main and the handler as the modules they are, or as one where neither is any. */
async function planTemplate({ view, handlerFolder, process, mode, port }: TemplateSource): Promise<LanguagePlan> {
  const command = process ?? './handler';
  const output = /^\.\/([\w-]+)(\s|$)/.exec(command)?.[1] ?? 'handler';
  const overlay = port === undefined ? [] : ['-overlay', '{temp}/overlay.json'];
  const steps: BuildStep[] = [...modulesOf(view, handlerFolder)];
  if (port !== undefined) {
    steps.push({ name: 'go-overlay', tool: 'sh', args: [`${portFolder}/overlay.sh`, '{temp}'], path: ['go'] });
  }
  steps.push(goStep('go-build', ['build', ...linking, ...overlay, '-o', `{code}/${output}`, '.']));
  const pages = `${handlerFolder}/static`;
  const hasPages = [...view.files.keys()].some((path) => path.startsWith(`${pages}/`));
  if (hasPages && !view.files.has('static')) steps.push({ name: 'static', tool: 'cp', args: ['-R', pages, 'static'] });
  const ignoresVendor = view.files.has(`${handlerFolder}/vendor/modules.txt`);
  return {
    runtime: 'exec',
    mode,
    process: command,
    steps,
    files: port === undefined ? [] : await portFiles(),
    tools: ['go'],
    env: port === undefined ? {} : { [listenVariable]: String(port) },
    notes: ignoresVendor ? [`${handlerFolder}/vendor is not used: modules come from the module proxy`] : [],
  };
}

const portFolder = 'tinderbox_port';

async function portFiles(): Promise<readonly AddedFile[]> {
  const names = ['overlay.sh', 'listen_port.go'];
  return await Promise.all(
    names.map(async (name) => ({ path: `${portFolder}/${name}`, text: await readEntry(`port/${name}`) })),
  );
}

/** With modules of their own on both sides a workspace joins them, as in OpenFaaS's templates. */
function modulesOf(view: SourceView, handlerFolder: string): readonly BuildStep[] {
  const own = view.files.has(`${handlerFolder}/go.mod`);
  const init = view.files.has('go.mod') ? [] : [goStep('go-mod-init', ['mod', 'init', 'handler'])];
  if (!own) return view.files.has('go.mod') ? [] : [...init, goStep('go-mod-tidy', ['mod', 'tidy'])];
  if (view.files.has('go.work')) return init;
  return [...init, goStep('go-work-init', ['work', 'init', '.', `./${handlerFolder}`])];
}

async function program(view: SourceView, process: string, mode: 'fork' | 'http'): Promise<LanguagePlan> {
  return { ...goPlan(await preparationOf(view), '.'), mode, process };
}

function goPlan(before: readonly BuildStep[], main: string): Pick<LanguagePlan, 'runtime' | 'steps' | 'tools'> {
  const args = ['build', ...linking, '-o', '{code}/handler', main];
  return { runtime: 'exec', steps: [...before, goStep('go-build', args)], tools: ['go'] };
}

const linking = ['-trimpath', '-ldflags', '-s -w'];

/** Read-only modules could not be removed with the cache; the folder of a build is no repository. */
function goStep(name: string, args: readonly string[]): BuildStep {
  return { name, tool: 'go', args, env: { CGO_ENABLED: '0', GOFLAGS: '-modcacherw -buildvcs=false' } };
}

async function readSources(view: SourceView): Promise<string[]> {
  const names = [...view.files.keys()].filter((path) => /^[^/]+\.go$/.test(path) && !path.endsWith('_test.go'));
  return await Promise.all(names.map(async (name) => (await view.read(name)) ?? ''));
}

/** A go.mod is made where there is none, and completed where it has no sums: npm does the same for its lock. */
async function preparationOf(view: SourceView): Promise<readonly BuildStep[]> {
  if (view.files.has('vendor/modules.txt')) return [];
  const tidy = goStep('go-mod-tidy', ['mod', 'tidy']);
  if (!view.files.has('go.mod')) return [goStep('go-mod-init', ['mod', 'init', defaultModule]), tidy];
  return view.files.has('go.sum') ? [] : [tidy];
}

function kindOf(sources: readonly string[]): HandlerKind {
  for (const text of sources) {
    const parameters = /^func\s+Handle\s*\(([^)]{0,1000})\)/m.exec(text)?.[1];
    if (parameters === undefined) continue;
    if (/\bhttp\.ResponseWriter\b/.test(parameters)) return 'middleware';
    if (/\[\]byte\b/.test(parameters)) return 'classic';
    if (/[^*]\b\w+\.Request\b/.test(parameters)) return 'http';
    throw new TinderboxError('invalid', `func Handle(${parameters.trim()}) is none of the known shapes`, {
      hint: shapes,
    });
  }
  throw new TinderboxError('invalid', 'no handler found: no .go file at the top has a func Handle', { hint: shapes });
}

const shapes =
  'define Handle(w http.ResponseWriter, r *http.Request), Handle(req handler.Request) (handler.Response, error), or Handle(req []byte) string';

function moduleOf(text: string | undefined): string {
  if (text === undefined) return defaultModule;
  const name = /^module\s+"?([^\s"]+)"?/m.exec(text)?.[1];
  if (name !== undefined) return name;
  throw new TinderboxError('invalid', 'go.mod has no module line');
}

async function entryFor(kind: HandlerKind, module: string): Promise<readonly AddedFile[]> {
  const main = (await readEntry(`go/${kind}.go`)).replace(`"${defaultModule}"`, () => JSON.stringify(module));
  const files = [{ path: `${mainFolder}/main.go`, text: main }];
  if (kind === 'classic') return files;
  return [...files, { path: `${mainFolder}/serve.go`, text: await readEntry('go/serve.go') }];
}
