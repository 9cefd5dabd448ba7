import { join, relative } from 'node:path';
import type { SourceLayer } from '../../client/pack-source.ts';
import { TinderboxError } from '../../model/errors.ts';
import { resolveLanguage } from '../stack/language.ts';
import type { StackFunction } from '../stack/stack-file.ts';
import { findLocalTemplate, type LocalTemplate } from '../templates/local-template.ts';
import type { Shell } from '../terminal/shell.ts';
import type { BuildFlags } from './build-flags.ts';
import { type BuildTarget, buildTargetFromStack, programOf } from './build-target.ts';

/** What lies around the functions of a build. */
export interface Project {
  /** Folder of the stack file, with `template/` in it; absolute. */
  readonly directory: string;
  /** Copied into every handler folder; absolute, below `directory`. */
  readonly copy: readonly string[];
}

/** Build argument by which OpenFaaS's templates hear of the packages of build options. */
const packagesArg = 'ADDITIONAL_PACKAGE';

/**
 * What is to be built for a function: its handler folder alone, or, where the project has a template of its language, that
 * template with the handler in its `handler_folder`. Throws `invalid` for a build option the template does not have.
 */
export async function resolveTarget(
  shell: Pick<Shell, 'stderr'>,
  project: Project,
  fn: StackFunction,
  environment: Readonly<Record<string, string>>,
  flags: BuildFlags,
): Promise<BuildTarget> {
  const template = fn.lang === undefined ? undefined : await findLocalTemplate(project.directory, fn.lang);
  const extra = [...project.copy, ...extraPaths(project, flags)];
  const target = buildTargetFromStack(template === undefined ? fn : withLanguage(fn, template), environment, flags);
  if (template !== undefined) return templateTarget(project, target, fn, template, { environment, flags, extra });
  const options = optionsOf(fn, flags);
  if (options.length > 0) {
    shell.stderr.write(
      `warning: ${fn.name}: build options belong to templates in template/, it is built without one\n`,
    );
  }
  if (extra.length === 0) return target;
  return { ...target, source: [{ path: target.source, at: '' }, ...copies(project, extra, '')] };
}

interface TemplateOrder {
  readonly environment: Readonly<Record<string, string>>;
  readonly flags: BuildFlags;
  readonly extra: readonly string[];
}

function templateTarget(
  project: Project,
  target: BuildTarget & { readonly source: string },
  fn: StackFunction,
  template: LocalTemplate,
  { environment, flags, extra }: TemplateOrder,
): BuildTarget {
  const source: readonly SourceLayer[] = [
    { path: template.directory, at: '', whole: true },
    { path: target.source, at: template.handlerFolder },
    ...copies(project, extra, template.handlerFolder),
  ];
  const packages = packagesOf(fn, template, optionsOf(fn, flags));
  const given = target.buildArgs[packagesArg]?.split(/\s+/).filter((word) => word !== '') ?? [];
  const all = [...new Set([...given, ...packages])];
  const fprocess = fn.fprocess ?? template.fprocess;
  return {
    ...target,
    source,
    ...programOf(target.language, fprocess, environment),
    buildArgs: all.length === 0 ? target.buildArgs : { ...target.buildArgs, [packagesArg]: all.join(' ') },
  };
}

/** The language that builds it: the template's name, else what its template.yml says, else what the files tell. */
function withLanguage(fn: StackFunction, template: LocalTemplate): StackFunction {
  const { lang: _, ...rest } = fn;
  const names = [template.name.split('@')[0], template.language].filter((name) => name !== undefined);
  const known = names.find((name) => isKnown(name));
  return known === undefined ? rest : { ...rest, lang: known };
}

function isKnown(lang: string): boolean {
  try {
    resolveLanguage(lang);
    return true;
  } catch {
    return false;
  }
}

function extraPaths(project: Project, { copyExtra = [] }: BuildFlags): readonly string[] {
  return copyExtra.map((text) => {
    const path = join(project.directory, text);
    if (path.startsWith(`${project.directory}/`)) return path;
    throw new TinderboxError('invalid', `--copy-extra "${text}" is not below ${project.directory}`);
  });
}

function copies(project: Project, paths: readonly string[], folder: string): readonly SourceLayer[] {
  return paths.map((path) => {
    const at = relative(project.directory, path);
    return { path, at: folder === '' ? at : `${folder}/${at}`, whole: true };
  });
}

function optionsOf(fn: StackFunction, flags: BuildFlags): readonly string[] {
  return [...new Set([...(fn.buildOptions ?? []), ...(flags.buildOption ?? [])])];
}

function packagesOf(fn: StackFunction, template: LocalTemplate, options: readonly string[]): readonly string[] {
  return options.flatMap((option) => {
    const packages = template.buildOptions[option];
    if (packages === undefined) throw unknownOption(fn, option, Object.keys(template.buildOptions));
    return packages;
  });
}

function unknownOption(fn: StackFunction, option: string, known: readonly string[]): TinderboxError {
  const where = known.length === 0 ? 'its template has none' : `its template has: ${known.join(', ')}`;
  return new TinderboxError('invalid', `function ${fn.name} has the build option "${option}", ${where}`);
}
