import { TinderboxError } from '../../model/errors.ts';
import type { AddedFile, BuildStep, LanguageBuilder, LanguagePlan, SourceView } from '../language-builder.ts';
import { assertProcess, parseMode } from '../program-order.ts';
import { readEntry } from '../read-entry.ts';

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
};

async function program(view: SourceView, process: string, mode: 'fork' | 'http'): Promise<LanguagePlan> {
  return { ...goPlan(await preparationOf(view), '.'), mode, process };
}

function goPlan(before: readonly BuildStep[], main: string): Pick<LanguagePlan, 'runtime' | 'steps' | 'tools'> {
  const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', '{code}/handler', main];
  return { runtime: 'exec', steps: [...before, goStep('go-build', args)], tools: ['go'] };
}

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
    const parameters = /^func\s+Handle\s*\(([^)]*)\)/m.exec(text)?.[1];
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
