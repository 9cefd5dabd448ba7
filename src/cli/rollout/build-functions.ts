import type { Readable } from 'node:stream';
import type { BuildClient } from '../../client/build.ts';
import { type PackConfig, packSource } from '../../client/pack-source.ts';
import { dataOf } from '../../client/result.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { Progress } from '../terminal/progress.ts';
import type { BuildTarget } from './build-target.ts';
import { inParallel } from './in-parallel.ts';

/** Sends a source to be built and calls `onLog` for each line of the build. */
export type SendBuild = (tar: Readable, onLog: (line: string) => void) => ReturnType<BuildClient['run']>;

/** What builds: the platform, or another builder that speaks OpenFaaS's protocol. */
export interface Builder {
  readonly send: SendBuild;
  /** Secrets of a build (name → file) as the archive's entry `com.openfaas.secrets`. */
  seal(files: Readonly<Record<string, string>>): Promise<string>;
}

/** Builds all targets, at most `parallel` at once. Throws the failure, or one that names all, after every build ended. */
export async function buildFunctions(
  builder: Builder,
  targets: readonly BuildTarget[],
  parallel: number,
  progress: Progress,
): Promise<void> {
  const results = await inParallel(targets, parallel, (target) => buildOne(builder, target, progress));
  throwFailures(
    targets.map((target) => target.name),
    results,
  );
}

/** The one failure as it is; several as one error that names each. */
export function throwFailures(names: readonly string[], results: readonly PromiseSettledResult<unknown>[]): void {
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ name: names[index] ?? '', error: TinderboxError.from(result.reason) }] : [],
  );
  const [first] = failures;
  if (first === undefined) return;
  if (failures.length === 1) throw first.error;
  const lines = failures.map(({ name, error }) => `  ${name}: ${error.message}`);
  throw new TinderboxError(first.error.code, `${failures.length} functions failed:\n${lines.join('\n')}`);
}

/** Sends one source and waits for its artifact. Rejects with the reason, after the progress has shown the log. */
export async function buildOne(builder: Builder, target: BuildTarget, progress: Progress): Promise<void> {
  const startedMs = performance.now();
  const shown = new Set<string>();
  progress.step(target.name, `building ${target.image}`);
  try {
    const secrets = target.buildSecrets === undefined ? undefined : await builder.seal(target.buildSecrets);
    const tar = await packSource(target.source, packConfigOf(target), secrets);
    const log = (line: string): void => {
      shown.add(line);
      progress.log(target.name, line);
    };
    const built = dataOf(await builder.send(tar, log));
    progress.finish(target.name, `built ${built.image || target.image} in ${seconds(startedMs)}`);
  } catch (reason) {
    progress.fail(target.name, 'the build failed');
    throw withoutLines(TinderboxError.from(reason), shown);
  }
}

/** What the platform is to make of a source. */
export function packConfigOf(target: BuildTarget): PackConfig {
  return {
    image: target.image,
    namespace: target.namespace,
    buildArgs: target.buildArgs,
    ...(target.language === undefined ? {} : { lang: target.language }),
    ...(target.process === undefined ? {} : { process: target.process }),
    ...(target.mode === undefined ? {} : { mode: target.mode }),
    ...(target.noCache ? { noCache: true } : {}),
    ...(target.platforms === undefined ? {} : { platforms: target.platforms }),
  };
}

/** A failed build's message ends with the last lines of its log, which were shown already. */
function withoutLines(error: TinderboxError, shown: ReadonlySet<string>): TinderboxError {
  const message = error.message.split('\n').filter((line, index) => index === 0 || !shown.has(line));
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new TinderboxError(error.code, message.join('\n'), { ...hint, cause: error });
}

export function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}
