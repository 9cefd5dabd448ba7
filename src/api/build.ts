import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { BuildRequest } from '../builder/builder.ts';
import { TinderboxError } from '../model/errors.ts';
import { assertName, defaultNamespace } from '../model/names.ts';
import type { ApiParts } from './api-parts.ts';
import { assertNamespaceExists } from './catalog.ts';
import { parseFields, parseJson } from './parse-json.ts';

/** Name of the file beside `context/` that says what to build, as OpenFaaS's clients send it. */
const configFile = 'com.openfaas.docker.config';
const maxConfigBytes = 1024 * 1024;

/** Unknown fields are ignored: clients of other builders send platforms, push options and the like. */
const buildConfig = z.object(
  {
    image: z.string('is not a string').min(1, 'is empty; give the name of the image'),
    buildArgs: z.record(z.string(), z.string('is not a string')).nullish(),
    /** Our own additions. */
    namespace: z.string('is not a string').nullish(),
    language: z.string('is not a string').nullish(),
    process: z.string('is not a string').nullish(),
    mode: z.string('is not a string').nullish(),
    noCache: z.boolean('is neither true nor false').nullish(),
  },
  'is not a JSON object',
);

/** How a build that was accepted ended, in the shape of OpenFaaS's builder; `duration` in seconds. */
export interface BuildResult {
  readonly log: readonly string[];
  readonly image: string;
  readonly status: 'success' | 'failed';
  readonly error?: string;
  readonly duration: number;
}

/**
 * Unpacks a tar with `context/` and a config file, and builds it. Resolves also when the build itself failed; rejects
 * with `invalid` or `too-large` for the source, `queue-full`, `disk-full`, or `canceled`. Leaves no source behind.
 */
export async function buildSource(
  parts: Pick<ApiParts, 'builder' | 'unpackSource' | 'sourceDir' | 'catalog'>,
  tar: Readable,
  onLog: (line: string) => void,
  signal: AbortSignal,
): Promise<BuildResult> {
  await mkdir(parts.sourceDir, { recursive: true });
  const directory = await mkdtemp(join(parts.sourceDir, 'build-'));
  try {
    await parts.unpackSource(tar, directory, signal);
    const request = await readRequest(directory, parts);
    return await runBuild(request, parts, onLog, signal);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
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

async function readRequest(directory: string, { catalog }: Pick<ApiParts, 'catalog'>): Promise<BuildRequest> {
  const text = await readConfig(join(directory, configFile));
  const config = parseFields(buildConfig, parseJson(text));
  const namespace = config.namespace || defaultNamespace;
  assertName('namespace', namespace);
  assertNamespaceExists(catalog, namespace);
  return {
    namespace,
    image: config.image,
    directory: join(directory, 'context'),
    ...(config.language ? { language: config.language } : {}),
    ...(config.process ? { process: config.process } : {}),
    ...(config.mode ? { mode: config.mode } : {}),
    buildArgs: config.buildArgs ?? {},
    noCache: config.noCache === true,
  };
}

async function readConfig(path: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new TinderboxError('invalid', `the tar has no file ${configFile} that says what to build`, {
      hint: 'send context/ with the source and that file with {"image": "NAME"}',
      cause,
    });
  }
  if (bytes.length <= maxConfigBytes) return bytes;
  throw new TinderboxError('too-large', `${configFile} has ${bytes.length} bytes, the limit is ${maxConfigBytes}`);
}
