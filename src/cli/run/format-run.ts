import { resolveSettings } from '../../model/settings.ts';
import type { PreparedRun } from './prepare-run.ts';

/** What a run would be, without a secret's or a variable's value. */
export function formatRun({ spec, target, secrets }: PreparedRun): string {
  const { timeoutMs, memoryBytes, concurrency } = resolveSettings(spec);
  const sources =
    typeof target.source === 'string'
      ? [target.source]
      : target.source.map(({ path, at }) => `${path} at ${at || '.'}`);
  const lines = [
    ['function', `${spec.name}.${spec.namespace}`],
    ...sources.map((source) => ['source', source]),
    ['language', target.language ?? 'found from the files'],
    ...(target.process === undefined ? [] : [['process', target.process]]),
    ['variables', Object.keys(spec.envVars ?? {}).join(', ')],
    ['secrets', Object.keys(secrets).join(', ')],
    ['limits', `${memoryBytes / 2 ** 20} MiB, ${timeoutMs} ms per call, ${concurrency} calls at once`],
  ];
  return lines
    .map(([label = '', value = '']) => `${`${label}:`.padEnd(11)}${value === '' ? '<none>' : value}\n`)
    .join('');
}
