import { TinderboxError } from '../../model/errors.ts';
import { findHandler } from '../find-handler.ts';
import type { BuildStep, LanguageBuilder } from '../language-builder.ts';

/** Below this, compiling at first import costs less than a build step. */
const compileFromBytes = 32 * 1024;

const pipFlags = [
  '--no-compile',
  '--no-input',
  '--disable-pip-version-check',
  '--no-warn-script-location',
  '--no-color',
];

/** Python: a usual handler name; pip only when requirements.txt names something. */
export const python: LanguageBuilder = {
  name: 'python',
  signs: [/^(handler|index|main|function|app)\.py$|^requirements\.txt$/, /^[^/]+\.py$/],
  async plan(view) {
    const handler = findHandler(view, ['py']);
    if (handler === undefined) {
      throw new TinderboxError('invalid', 'no handler found: there is no handler.py, index.py or main.py', {
        hint: 'name the file handler.py and define handle(event, context) or handle(req) in it',
      });
    }
    const steps: BuildStep[] = [];
    if (namesSomething(await view.read('requirements.txt'))) steps.push(pipStep(['--requirement', 'requirements.txt']));
    if (steps.length > 0 || view.bytesOf('.py') >= compileFromBytes) steps.push(compileStep);
    return { runtime: 'python', mode: 'frame', handler, steps };
  },
};

export function namesSomething(requirements: string | undefined): boolean {
  return (requirements ?? '').split('\n').some((line) => line.replace(/#.*/, '').trim() !== '');
}

/** Installs what `wanted` (pip's arguments) names into the artifact's module folder. */
export function pipStep(wanted: readonly string[]): BuildStep {
  const args = ['install', ...pipFlags, '--target', '{modules}', '--progress-bar', 'off', ...wanted];
  return { name: 'pip', tool: 'pip', args };
}

/** Bytecode of all modules, for the place they will have. */
export const compileStep: BuildStep = {
  name: 'compile-python',
  tool: 'python',
  args: '-I -m compileall -q -q -s {bundle} -p {final} --invalidation-mode unchecked-hash {code} {modules}'.split(' '),
  optional: true,
};
