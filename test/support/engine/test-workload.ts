import { formatRevisionId } from '../../../src/model/names.ts';
import { resolveScaling } from '../../../src/model/resolve-scaling.ts';
import { defaultRetrySettings } from '../../../src/model/retry-settings.ts';
import type { FunctionSettings } from '../../../src/model/settings.ts';
import type { Workload } from '../../../src/engine/engine.ts';

type Changes = Partial<Omit<Workload, 'settings'>> & { readonly settings?: Partial<FunctionSettings> };

const settings: FunctionSettings = {
  scaling: resolveScaling({}, {}),
  timeoutMs: 60_000,
  concurrency: 7,
  queueDepth: 10,
  memoryBytes: 512 * 2 ** 20,
  cpuMillis: 0,
  pids: 256,
  network: 'host',
  isolation: 'auto',
  readyPath: '',
  graceMs: 300,
  retry: defaultRetrySettings,
  queue: 'default',
};

/** A workload for tests of engines: revision 1 of `conformance/<name>`, an empty Node bundle unless changed. */
export function testWorkload(name: string, changes: Changes = {}): Workload {
  return {
    revision: formatRevisionId('conformance', name, 1),
    namespace: 'conformance',
    name,
    artifact: {
      digest: `sha256:${'0'.repeat(64)}`,
      directory: '/nowhere',
      manifest: {
        format: 1,
        language: 'node',
        mode: 'frame',
        workdir: '.',
        modulePaths: [],
        dependencies: {},
        toolchain: '',
        builder: '',
      },
      bytes: 0,
      builtAt: '2026-01-01T00:00:00Z',
    },
    env: {},
    secrets: {},
    readOnlyRootFilesystem: false,
    ...changes,
    settings: { ...settings, ...changes.settings },
  };
}
