import { posix } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import { findHandler } from '../find-handler.ts';
import type { BuildStep, LanguageBuilder, SourceView } from '../language-builder.ts';

interface PackageJson {
  readonly main?: unknown;
  readonly dependencies?: unknown;
  readonly optionalDependencies?: unknown;
  readonly scripts?: unknown;
}

const handlerExtensions = ['js', 'mjs', 'cjs', 'ts', 'mts', 'cts'];
const installScripts = ['preinstall', 'install', 'postinstall', 'prepare'];

const npmFlags = ['--omit=dev', '--no-audit', '--no-fund', '--no-update-notifier', '--no-progress', '--no-color'];

/** Node, JavaScript and TypeScript alike: `main` of package.json or a usual handler name; npm only when it has work. */
export const node: LanguageBuilder = {
  name: 'node',
  signs: [/^(handler|index|main|function|app)\.([cm]?[jt]s)$|^package\.json$/, /^[^/]+\.[cm]?[jt]s$/],
  async plan(view) {
    const text = await view.read('package.json');
    const manifest = text === undefined ? undefined : parsePackageJson(text);
    const handler = mainOf(view, manifest) ?? findHandler(view, handlerExtensions);
    if (handler === undefined) {
      throw new TinderboxError(
        'invalid',
        'no handler found: there is no handler.js, index.js or main.js (or .ts, .mjs)',
        { hint: 'name one in "main" of package.json' },
      );
    }
    const steps = manifest === undefined ? [] : installSteps(view, manifest);
    return { runtime: 'node', mode: 'frame', handler, steps };
  },
};

function parsePackageJson(text: string): PackageJson {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new TinderboxError('invalid', `package.json is not JSON: ${(error as Error).message}`, { cause: error });
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

function installSteps(view: SourceView, manifest: PackageJson): readonly BuildStep[] {
  const counted = [manifest.dependencies, manifest.optionalDependencies].some((list) => keysOf(list).length > 0);
  const scripted = keysOf(manifest.scripts).some((name) => installScripts.includes(name));
  if (!counted && !scripted) return [];
  const locked = view.files.has('package-lock.json') || view.files.has('npm-shrinkwrap.json');
  return [npmStep(locked ? 'ci' : 'install')];
}

/** An install of what a package.json names, in `folder` of the code. */
export function npmStep(verb: 'ci' | 'install', folder?: string): BuildStep {
  const step = { name: `npm-${verb}`, tool: 'npm', args: [verb, ...npmFlags] } as const;
  return folder === undefined ? step : { ...step, folder };
}

function keysOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}
