import { TinderboxError } from '../../model/errors.ts';
import { programPlan } from '../interpreted.ts';
import type { BuildStep, LanguageBuilder, LanguagePlan } from '../language-builder.ts';
import type { BuildOrder } from '../build-order.ts';
import { readEntry } from '../read-entry.ts';

const mainFolder = 'tinderbox_main';

/**
 * Rust: a library with `pub fn handle(request: http::Request<Vec<u8>>) -> http::Response<Vec<u8>>`, in a server; or a program
 * (src/main.rs).
 */
export const rust: LanguageBuilder = {
  name: 'rust',
  signs: [/^Cargo\.toml$/],
  async plan(view, order) {
    const name = packageName(await view.read('Cargo.toml'));
    if (view.files.has('src/lib.rs')) return await library(name, order);
    if (view.files.has('src/main.rs')) {
      return cargoPlan(order, 'Cargo.toml', name, 'fork', {});
    }
    throw new TinderboxError('invalid', 'no handler found: there is neither src/lib.rs nor src/main.rs', {
      hint: 'define pub fn handle(request: http::Request<Vec<u8>>) -> http::Response<Vec<u8>> in src/lib.rs',
    });
  },
};

async function library(name: string, order: BuildOrder): Promise<LanguagePlan> {
  const manifest = (await readEntry('rust/Cargo.toml')).replace('FUNCTION', () => name);
  return cargoPlan(order, `${mainFolder}/Cargo.toml`, 'tinderbox-main', 'http', {
    files: [
      { path: `${mainFolder}/Cargo.toml`, text: manifest },
      { path: `${mainFolder}/src/main.rs`, text: await readEntry('rust/main.rs') },
    ],
  });
}

/** What cargo makes on the way stays out of the artifact. */
function cargoPlan(
  order: BuildOrder,
  manifest: string,
  program: string,
  mode: 'fork' | 'http',
  rest: Pick<LanguagePlan, 'files'>,
): LanguagePlan {
  const build = [
    'build',
    '--release',
    '--color',
    'never',
    '--manifest-path',
    manifest,
    '--target-dir',
    '{temp}/target',
  ];
  const steps: BuildStep[] = [
    { name: 'cargo', tool: 'cargo', args: build, path: ['rustc', 'cc'] },
    { name: 'copy', tool: 'cp', args: [`{temp}/target/release/${program}`, 'handler'] },
  ];
  return programPlan(order, { process: './handler', mode }, { steps, tools: ['rustc', 'cargo'], ...rest });
}

function packageName(manifest: string | undefined): string {
  const section = /^\[package\]\s*$([^]*?)(?=^\[|$(?![^]))/m.exec(manifest ?? '')?.[1] ?? '';
  const name = /^[ \t]*name[ \t]*=[ \t]*["']([\w-]+)["']/m.exec(section)?.[1];
  if (name !== undefined) return name;
  throw new TinderboxError('invalid', 'Cargo.toml has no [package] with a name');
}
