import { TinderboxError } from '../../model/errors.ts';
import type { BuildOrder } from '../build-order.ts';
import { findHandler } from '../find-handler.ts';
import type { AddedFile, BuildStep, LanguageBuilder, LanguagePlan, SourceView } from '../language-builder.ts';
import { listenVariable } from '../listen-port.ts';
import { readEntry } from '../read-entry.ts';
import type { TemplateSource } from '../template-source.ts';

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
  async plan(view, order) {
    const handler = findHandler(view, ['py']);
    if (handler === undefined) {
      throw new TinderboxError('invalid', 'no handler found: there is no handler.py, index.py or main.py', {
        hint: 'name the file handler.py and define handle(event, context) or handle(req) in it',
      });
    }
    if (await wantsFlask(view, order)) return await flaskPlan(view);
    const steps: BuildStep[] = [];
    if (namesSomething(await view.read('requirements.txt'))) steps.push(pipStep(['--requirement', 'requirements.txt']));
    if (steps.length > 0 || view.bytesOf('.py') >= compileFromBytes) steps.push(compileStep);
    return { runtime: 'python', mode: 'frame', handler, steps };
  },
  template: { mains: ['index.py'], plan: planTemplate },
};

/** A handler of python3-flask that uses Flask is called inside of a request; any other gets text and gives text. */
async function wantsFlask(view: SourceView, order: BuildOrder): Promise<boolean> {
  if (!/^python3?-flask/.test(order.language ?? '') || !view.files.has('handler.py')) return false;
  const text = (await view.read('handler.py')) ?? '';
  return /^[ \t]*(from|import)[ \t]+flask\b/m.test(text) && /^def\s+handle\b/m.test(text);
}

/** OpenFaaS's template has Flask whether or not requirements.txt names it. */
async function flaskPlan(view: SourceView): Promise<LanguagePlan> {
  const named = namesSomething(await view.read('requirements.txt')) ? ['--requirement', 'requirements.txt'] : [];
  const files = [{ path: flaskMain, text: await readEntry('python/flask_main.py') }];
  return {
    runtime: 'python',
    mode: 'frame',
    handler: flaskMain,
    steps: [pipStep(['flask', ...named]), compileStep],
    files,
  };
}

const flaskMain = 'tinderbox_flask.py';

/** A server or a program per call, as the template has it, with what both of its requirements.txt name. */
async function planTemplate({ view, handlerFolder, process, mode, port }: TemplateSource): Promise<LanguagePlan> {
  const files: AddedFile[] = [];
  const initial = `${handlerFolder}/__init__.py`;
  if (!view.files.has(initial)) files.push({ path: initial, text: '' });
  if (port !== undefined) files.push({ path: `${portFolder}/sitecustomize.py`, text: await readEntry(portEntry) });
  const wanted: string[] = [];
  for (const list of ['requirements.txt', `${handlerFolder}/requirements.txt`]) {
    if (namesSomething(await view.read(list))) wanted.push('--requirement', list);
  }
  return {
    runtime: 'exec',
    mode,
    process: (process ?? 'python3 index.py').replace(/^python(?= )/, 'python3'),
    steps: wanted.length === 0 ? [] : [pipStep(wanted), compileStep],
    files,
    tools: ['python'],
    env: {
      // Relative to the code: an artifact does not know where it lies. Python makes it absolute when it starts.
      PYTHONPATH: `${portFolder}:../site-packages`,
      PYTHONUNBUFFERED: '1',
      ...(port === undefined ? {} : { [listenVariable]: String(port) }),
    },
  };
}

const portFolder = 'tinderbox_port';
const portEntry = 'port/sitecustomize.py';

function namesSomething(requirements: string | undefined): boolean {
  return (requirements ?? '').split('\n').some((line) => line.replace(/#.*/, '').trim() !== '');
}

/** Installs what `wanted` (pip's arguments) names into the artifact's module folder. */
function pipStep(wanted: readonly string[]): BuildStep {
  const args = ['install', ...pipFlags, '--target', '{modules}', '--progress-bar', 'off', ...wanted];
  return { name: 'pip', tool: 'pip', args };
}

/** Bytecode of all modules, for the place they will have. */
const compileStep: BuildStep = {
  name: 'compile-python',
  tool: 'python',
  args: '-I -m compileall -q -q -s {bundle} -p {final} --invalidation-mode unchecked-hash {code} {modules}'.split(' '),
  optional: true,
};
