import { basename } from 'node:path';
import type { SourceLayer } from '../../client/pack-source.ts';
import { TinderboxError } from '../../model/errors.ts';
import { defaultNamespace } from '../../model/names.ts';
import { resolveLanguage } from '../stack/language.ts';
import type { StackFunction } from '../stack/stack-file.ts';
import type { BuildFlags } from './build-flags.ts';

/** One source to be built. */
export interface BuildTarget {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  /** Folder with the source, or the one file it is, or layers of both; absolute. */
  readonly source: string | readonly SourceLayer[];
  /** Undefined: found from the files. */
  readonly language?: string;
  /** Command line of an exec function. */
  readonly process?: string;
  readonly mode?: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly noCache: boolean;
  /** For builders of containers. */
  readonly platforms?: readonly string[];
  /** Secrets of the build, name → file. */
  readonly buildSecrets?: Readonly<Record<string, string>>;
}

/** What is to be built for a function of a stack file. Throws `invalid` without a handler folder. */
export function buildTargetFromStack(
  fn: StackFunction,
  environment: Readonly<Record<string, string>>,
  flags: Pick<BuildFlags, 'namespace' | 'buildArg' | 'cache'>,
): BuildTarget & { readonly source: string } {
  if (fn.handler === undefined) {
    throw new TinderboxError('invalid', `function ${fn.name} has no handler folder to build`, {
      hint: 'give its handler in the stack file, or skip_build: true to deploy the image as it is',
    });
  }
  const language = fn.lang === undefined ? undefined : resolveLanguage(fn.lang).language;
  return {
    name: fn.name,
    namespace: flags.namespace ?? fn.namespace ?? defaultNamespace,
    image: imageName(fn.image ?? fn.name),
    source: fn.handler,
    ...(fn.lang === undefined ? {} : { language: fn.lang }),
    ...programOf(language, fn.fprocess, environment),
    buildArgs: { ...fn.buildArgs, ...flags.buildArg },
    noCache: flags.cache === false,
    ...(fn.buildSecrets === undefined ? {} : { buildSecrets: fn.buildSecrets }),
  };
}

/** Command line and mode mean something to programs only; the mode is named by of-watchdog's variable `mode`. */
export function programOf(
  language: string | undefined,
  fprocess: string | undefined,
  environment: Readonly<Record<string, string>>,
): Pick<BuildTarget, 'process' | 'mode'> {
  const calledInside =
    language === 'node' || language === 'python' || (language === undefined && fprocess === undefined);
  if (calledInside) return {};
  const mode = environment['mode'];
  return { ...(fprocess === undefined ? {} : { process: fprocess }), ...(mode === undefined ? {} : { mode }) };
}

/** An image name with its tag: `:latest` unless it has a tag or a digest. */
export function imageName(text: string): string {
  return /[:@]/.test(basename(text)) ? text : `${text}:latest`;
}
