import { parseCommandLine } from '../../model/command-line.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { InvokeMode } from '../../model/artifact.ts';
import type { Workload } from '../engine.ts';

/** Values of OpenFaaS's `mode` variable and what they mean here. */
const modes: Readonly<Record<string, InvokeMode>> = {
  http: 'http',
  fork: 'fork',
  streaming: 'fork',
  serializing: 'fork',
};

/** How calls reach the code: the manifest says it; for `exec` the variable `mode` may say otherwise. */
export function resolveMode(workload: Workload): InvokeMode {
  const { manifest } = workload.artifact;
  const asked = workload.env['mode'];
  if (manifest.language !== 'exec' || asked === undefined) return manifest.mode;
  const mode = modes[asked];
  if (mode !== undefined) return mode;
  const known = Object.keys(modes).join(', ');
  throw new TinderboxError('unsupported', `mode "${asked}" of "${workload.name}" is not one of ${known}`);
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
