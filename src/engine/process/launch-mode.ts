import { parseCommandLine } from '../../model/command-line.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { InvokeMode } from '../../model/artifact.ts';
import type { Workload } from '../engine.ts';

/** Values of OpenFaaS's `mode` variable and what they mean here; `fork` stands for all that the watchdog does. */
const modes: Readonly<Record<string, InvokeMode>> = {
  http: 'http',
  fork: 'fork',
  classic: 'fork',
  streaming: 'fork',
  serializing: 'fork',
  static: 'fork',
};

/** How calls reach the code: the manifest says it; for `exec` the variable `mode` may say otherwise. */
export function resolveMode(workload: Workload): InvokeMode {
  const { manifest } = workload.artifact;
  const env = { ...manifest.env, ...workload.env };
  const asked = env['mode'];
  if (manifest.language !== 'exec' || asked === undefined) return manifest.mode;
  const mode = modes[asked];
  if (mode === 'http' && namesUpstream(env)) return 'fork';
  if (mode !== undefined) return mode;
  const known = Object.keys(modes).join(', ');
  throw new TinderboxError('unsupported', `mode "${asked}" of "${workload.name}" is not one of ${known}`);
}

/** A program that may have an address of its own instead of `$PORT` is reached by the watchdog beside it. */
function namesUpstream(env: Readonly<Record<string, string>>): boolean {
  return (env['upstream_url'] ?? env['http_upstream_url'] ?? '') !== '';
}

/** Whether calls reach the program over HTTP, be it from the watchdog beside it. */
export function servesHttp({ env, artifact: { manifest } }: Workload): boolean {
  const asked = manifest.language === 'exec' ? { ...manifest.env, ...env }['mode'] : undefined;
  return (asked ?? manifest.mode) === 'http';
}

/** Files need no program. */
export function needsProcess({ env, artifact: { manifest } }: Workload): boolean {
  return manifest.language !== 'exec' || { ...manifest.env, ...env }['mode'] !== 'static';
}

/** Command of an `exec` function: the one given at deploy, else the manifest's. Throws `invalid` when there is none. */
export function resolveProcess(workload: Workload): readonly string[] {
  const text = workload.process ?? workload.artifact.manifest.process;
  if (text === undefined) {
    throw new TinderboxError('invalid', `function "${workload.name}" has no process to run`, {
      hint: 'set fprocess, or envProcess at deploy',
    });
  }
  return parseCommandLine(text, 'fprocess');
}
