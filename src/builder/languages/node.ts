import { posix } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import type { BuildPlan, SourceView, StepKind } from '../plan.ts';
import { findHandler } from './language-names.ts';

interface PackageJson {
  readonly main?: unknown;
  readonly dependencies?: unknown;
  readonly optionalDependencies?: unknown;
  readonly scripts?: unknown;
}

const handlerExtensions = ['js', 'mjs', 'cjs', 'ts', 'mts', 'cts'];
const installScripts = ['preinstall', 'install', 'postinstall', 'prepare'];

/** Node, JavaScript and TypeScript alike: `main` of package.json or a usual handler name; npm only when it has work. */
export async function planNode(view: SourceView): Promise<Pick<BuildPlan, 'handler' | 'steps'>> {
  const text = await view.read('package.json');
  const manifest = text === undefined ? undefined : parsePackageJson(text);
  const handler = mainOf(view, manifest) ?? findHandler(view, handlerExtensions);
  if (handler === undefined) {
    throw new TinderboxError(
      'invalid',
      'no handler found: there is no handler.js, index.js or main.js (or .ts, .mjs)',
      {
        hint: 'name one in "main" of package.json',
      },
    );
  }
  return { handler, steps: manifest === undefined ? [] : installStep(view, manifest) };
}

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

function installStep(view: SourceView, manifest: PackageJson): StepKind[] {
  const counted = [manifest.dependencies, manifest.optionalDependencies].some((list) => keysOf(list).length > 0);
  const scripted = keysOf(manifest.scripts).some((name) => installScripts.includes(name));
  if (!counted && !scripted) return [];
  return [view.files.has('package-lock.json') || view.files.has('npm-shrinkwrap.json') ? 'npm-ci' : 'npm-install'];
}

function keysOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}
