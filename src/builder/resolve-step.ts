import { dirname, join } from 'node:path';
import type { BuildFolders } from './build-run.ts';
import type { BuildStep } from './language-builder.ts';
import type { Toolchain } from './toolchain.ts';

/** One untrusted command of a build. */
export interface StepCommand {
  readonly command: readonly string[];
  /** Absolute folder it runs in. */
  readonly cwd: string;
  /** Needed programs stand in these folders; they come first on the step's PATH. */
  readonly path: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The command line of a step. Throws `build-failed` when its tool is not there. */
export async function resolveStep(
  step: BuildStep,
  folders: BuildFolders,
  cache: string,
  toolchain: Toolchain,
): Promise<StepCommand> {
  const places: Readonly<Record<string, string>> = {
    bundle: folders.bundle,
    final: folders.final,
    code: folders.code,
    modules: folders.sitePackages,
    compiled: folders.compiled,
    home: folders.home,
    temp: folders.temp,
    cache,
  };
  const place = (text: string): string => text.replace(/\{(\w+)\}/g, (whole, name: string) => places[name] ?? whole);
  const program = await resolveProgram(step, toolchain);
  const others = await Promise.all((step.path ?? []).map((tool) => toolchain.command(tool)));
  return {
    command: [...program, ...step.args.map(place)],
    cwd: join(folders.code, step.folder ?? ''),
    path: [program, ...others]
      .flat()
      .filter((word) => word.startsWith('/'))
      .map((file) => dirname(file)),
    env: Object.fromEntries(Object.entries(step.env ?? {}).map(([name, value]) => [name, place(value)])),
  };
}

async function resolveProgram({ tool }: BuildStep, toolchain: Toolchain): Promise<readonly string[]> {
  if (tool.startsWith('./')) return [tool];
  return await toolchain.command(tool as Exclude<typeof tool, `./${string}`>);
}
