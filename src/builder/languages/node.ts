import { posix } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import { findHandler } from '../find-handler.ts';
import type { BuildStep, LanguageBuilder, LanguagePlan, SourceView } from '../language-builder.ts';
import { listenVariable } from '../listen-port.ts';
import { readEntry } from '../read-entry.ts';
import type { TemplateSource } from '../template-source.ts';

interface PackageJson {
  readonly main?: unknown;
  readonly type?: unknown;
  readonly dependencies?: unknown;
  readonly optionalDependencies?: unknown;
  readonly scripts?: unknown;
}

const handlerExtensions = ['js', 'mjs', 'cjs', 'ts', 'mts', 'cts'];
const installScripts = ['preinstall', 'install', 'postinstall', 'prepare'];

/** A package that does not come to its end when it is loaded costs a build this long. */
const compileTimeoutMs = 20_000;

const npmFlags = ['--omit=dev', '--no-audit', '--no-fund', '--no-update-notifier', '--no-progress', '--no-color'];

/** Node, JavaScript and TypeScript alike: `main` of package.json or a usual handler name; npm only when it has work. */
export const node: LanguageBuilder = {
  name: 'node',
  signs: [/^(handler|index|main|function|app)\.([cm]?[jt]s)$|^package\.json$/, /^[^/]+\.[cm]?[jt]s$/],
  async plan(view) {
    const manifest = await readPackageJson(view, '');
    const handler = mainOf(view, manifest) ?? findHandler(view, handlerExtensions);
    if (handler === undefined) {
      throw new TinderboxError(
        'invalid',
        'no handler found: there is no handler.js, index.js or main.js (or .ts, .mjs)',
        { hint: 'name one in "main" of package.json' },
      );
    }
    const steps = installSteps(view, manifest, '');
    if (namesPackages(manifest)) steps.push(await compileStep(handler, manifest));
    return { runtime: 'node', mode: 'frame', handler, steps };
  },
  template: { mains: ['index.js', 'index.mjs', 'index.cjs'], plan: planTemplate },
};

/** A server or a program per call, as the template has it, with what both of its package.json name. */
async function planTemplate({ view, handlerFolder, process, mode, port }: TemplateSource): Promise<LanguagePlan> {
  const steps: BuildStep[] = [];
  for (const folder of ['', handlerFolder])
    steps.push(...installSteps(view, await readPackageJson(view, folder), folder));
  const main = ['index.js', 'index.mjs', 'index.cjs'].find((name) => view.files.has(name)) ?? 'index.js';
  const command = process ?? `node ${main}`;
  const plan = { runtime: 'exec', mode, process: command, steps, tools: ['node'] } as const;
  if (port === undefined || !command.startsWith('node ')) return plan;
  return {
    ...plan,
    process: command.replace(/^node /, `node --require ./${portFile} `),
    files: [{ path: portFile, text: await readEntry('port/listen.cjs') }],
    env: { [listenVariable]: String(port) },
  };
}

const portFile = 'tinderbox_port.cjs';

async function readPackageJson(view: SourceView, folder: string): Promise<PackageJson | undefined> {
  const text = await view.read(posix.join(folder, 'package.json'));
  return text === undefined ? undefined : parsePackageJson(text);
}

function parsePackageJson(text: string): PackageJson {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new TinderboxError(
      'invalid',
      `package.json is not JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`,
      { cause: error },
    );
  }
  throw new TinderboxError('invalid', 'package.json is not an object');
}

function mainOf(view: SourceView, manifest: PackageJson | undefined): string | undefined {
  if (typeof manifest?.main !== 'string') return undefined;
  const main = posix.normalize(manifest.main);
  const names = [
    main,
    ...handlerExtensions.flatMap((extension) => [`${main}.${extension}`, `${main}/index.${extension}`]),
  ];
  const found = names.find((path) => view.files.has(path));
  // npm init writes "main": "index.js" into every package, so a name that is not there is no reason to refuse.
  return found;
}

function namesPackages(manifest: PackageJson | undefined): boolean {
  return [manifest?.dependencies, manifest?.optionalDependencies].some((list) => keysOf(list).length > 0);
}

/** Packages alone are loaded, not the handler: it may want secrets, or a database, that a build does not have. */
async function compileStep(handler: string, manifest: PackageJson | undefined): Promise<BuildStep> {
  const isModule = /\.(m[jt]s|ts)$/.test(handler) || (handler.endsWith('.js') && manifest?.type === 'module');
  const program = await readEntry('node/fill-compile-cache.cjs');
  return {
    name: 'node-compile-cache',
    tool: 'node',
    args: ['--eval', program, '{compiled}', isModule ? 'import' : 'require'],
    shown: 'node: compiling what package.json names',
    optional: true,
    timeoutMs: compileTimeoutMs,
  };
}

function installSteps(view: SourceView, manifest: PackageJson | undefined, folder: string): BuildStep[] {
  if (manifest === undefined) return [];
  const counted = namesPackages(manifest);
  const scripted = keysOf(manifest.scripts).some((name) => installScripts.includes(name));
  if (!counted && !scripted) return [];
  const locked = ['package-lock.json', 'npm-shrinkwrap.json'].some((name) => view.files.has(posix.join(folder, name)));
  const verb = locked ? 'ci' : 'install';
  const step = { name: `npm-${verb}`, tool: 'npm', args: [verb, ...npmFlags] } as const;
  return [folder === '' ? step : { ...step, folder }];
}

function keysOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}
