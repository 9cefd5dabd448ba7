import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { BuildRequest } from '../builder/builder.ts';
import { defaultUnpackLimits, type UnpackedSource, unpackSource } from '../builder/unpack.ts';
import { TinderboxError } from '../model/errors.ts';
import { assertName, defaultNamespace } from '../model/names.ts';
import type { ApiParts } from './api-parts.ts';
import { assertNamespaceExists } from './catalog.ts';
import { shield } from './signed-upload.ts';

/** How a build that was accepted ended, in the shape of OpenFaaS's builder; `duration` in seconds. */
export interface BuildResult {
  readonly log: readonly string[];
  readonly image: string;
  readonly status: 'success' | 'failed';
  readonly error?: string;
  readonly duration: number;
}

/**
 * Unpacks a tar with `context/` and a config entry, and builds it. Resolves also when the build itself failed; rejects
 * with `invalid` or `too-large` for the source, `queue-full`, `disk-full`, or `canceled`. Leaves no source behind, and
 * the tar's stream open: it is a request whose answer is still to be written.
 */
export async function buildSource(
  parts: Pick<ApiParts, 'builder' | 'sourceDir' | 'catalog' | 'sealed'>,
  tar: Readable,
  onLog: (line: string) => void,
  signal: AbortSignal,
): Promise<BuildResult> {
  await mkdir(parts.sourceDir, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(parts.sourceDir, 'build-'));
  try {
    const directory = join(folder, 'source');
    const source = await unpackSource(shield(tar), directory, defaultUnpackLimits, signal);
    notePlatforms(source.config.platforms, onLog);
    return await runBuild(await createRequest(source, directory, parts), parts, onLog, signal);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** An artifact runs on the machine it was built on; who asked for something else is told. */
function notePlatforms(platforms: readonly string[], onLog: (line: string) => void): void {
  const own = `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const others = platforms.filter((name) => name !== '' && name !== own);
  if (others.length > 0) onLog(`built for ${own}, this machine, and not for ${others.join(', ')}`);
}

async function createRequest(
  { config, sealed }: UnpackedSource,
  directory: string,
  parts: Pick<ApiParts, 'catalog' | 'sealed'>,
): Promise<BuildRequest> {
  const { namespace = defaultNamespace, lang, mode } = config;
  assertName('namespace', namespace);
  assertNamespaceExists(parts.catalog, namespace);
  return {
    namespace,
    image: config.image,
    directory,
    ...(lang === undefined ? {} : { language: lang }),
    ...(config.process === undefined ? {} : { process: config.process }),
    ...(mode === undefined ? {} : { mode }),
    buildArgs: config.buildArgs,
    ...(sealed === undefined ? {} : { secrets: await parts.sealed.open(sealed) }),
    noCache: config.noCache === true,
  };
}

async function runBuild(
  request: BuildRequest,
  { builder }: Pick<ApiParts, 'builder'>,
  onLog: (line: string) => void,
  signal: AbortSignal,
): Promise<BuildResult> {
  const startedMs = performance.now();
  const seconds = (): number => Math.round(performance.now() - startedMs) / 1000;
  try {
    await builder.build(request, onLog, signal);
    return { log: [], image: request.image, status: 'success', duration: seconds() };
  } catch (reason) {
    const error = TinderboxError.from(reason);
    if (error.code !== 'build-failed' && error.code !== 'invalid') throw error;
    const text = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
    return { log: [], image: request.image, status: 'failed', error: text, duration: seconds() };
  }
}
