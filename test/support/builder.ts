import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BuildSettings } from '../../src/builder/create-builder.ts';
import { createBuilder } from '../../src/builder/create-builder.ts';
import type { Builder, BuildRequest } from '../../src/builder/builder.ts';
import { createIdentities } from '../../src/identity/stored-identities.ts';
import type { Identities } from '../../src/identity/identities.ts';
import { createSandbox } from '../../src/sandbox/create-sandbox.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { ownIds } from './own-ids.ts';

/** A builder with the host's real sandbox and folders of its own. */
export interface TestBuilder {
  readonly builder: Builder;
  readonly runDir: string;
  readonly stateDir: string;
  readonly store: Store;
  readonly identities: Identities;
  readonly sandbox: Sandbox;
  /** Builds files given as path → text (`!` in front of a path: executable) and resolves with artifact and log. */
  build(
    files: Readonly<Record<string, string>>,
    request?: Partial<BuildRequest>,
    signal?: AbortSignal,
  ): Promise<{ artifact: Awaited<ReturnType<Builder['build']>>; log: string[] }>;
  /** Writes files into a new folder. */
  source(files: Readonly<Record<string, string>>): string;
  /** Closes the builder and removes its folders. */
  dispose(): Promise<void>;
}

const mebibyte = 2 ** 20;

/** Registry settings of the test's own environment, as an operator would list them. */
function registryEnv(): Record<string, string> {
  const wanted =
    /^(npm_config_(registry|cafile|proxy|https_proxy|noproxy|strict_ssl)|pip_(index_url|extra_index_url|find_links|cert|proxy|trusted_host|default_timeout)|(https?|no)_proxy|ssl_cert_(file|dir)|node_extra_ca_certs)$/i;
  const found = Object.entries(process.env).filter(([name, value]) => wanted.test(name) && value);
  return Object.fromEntries(found) as Record<string, string>;
}

/** In a folder of its own below `parent`; one that is not below `/tmp` lets builds have a `/tmp` of their own. */
export async function startBuilder(settings: Partial<BuildSettings> = {}, parent = tmpdir()): Promise<TestBuilder> {
  const root = mkdtempSync(join(parent, 'tb-'));
  chmodSync(root, 0o711);
  const [runDir, stateDir] = [join(root, 'run'), join(root, 'state')];
  mkdirSync(runDir, { mode: 0o711 });
  mkdirSync(stateDir, { mode: 0o700 });
  const store = createMemoryStore();
  const sandbox = await createSandbox({ stateDir, runDir });
  const identities = createIdentities(store, ownIds);
  const build = { timeoutMs: 120_000, memoryBytes: 1024 * mebibyte, diskBytes: 256 * mebibyte, concurrent: 2 };
  const toolPath = process.env['PATH'] ?? '';
  const env = registryEnv();
  const options = { runDir, stateDir, store, sandbox, identities };
  const builder = await createBuilder({ ...options, build: { ...build, env, toolPath, ...settings } });
  const source = (files: Readonly<Record<string, string>>): string => writeSource(root, files);
  return {
    builder,
    runDir,
    stateDir,
    store,
    identities,
    sandbox,
    source,
    async dispose() {
      await builder.close();
      await sandbox.close();
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
    async build(files, request = {}, signal = new AbortController().signal) {
      const log: string[] = [];
      const plain = { namespace: 'openfaas-fn', image: 'test:latest', buildArgs: {}, noCache: false };
      const complete = { ...plain, directory: request.directory ?? source(files), ...request };
      return { artifact: await builder.build(complete, (line) => log.push(line), signal), log };
    },
  };
}

function writeSource(root: string, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(root, 'source-'));
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name.replace('!', ''));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: name.startsWith('!') ? 0o755 : 0o644 });
  }
  return folder;
}
