import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildFolders } from './build-run.ts';
import type { StepKind } from './plan.ts';
import type { Toolchain } from './toolchain.ts';

/** One untrusted command of a build; it runs in the code folder. */
export interface StepCommand {
  readonly command: readonly string[];
  /** Needed programs stand in these folders; they come first on the step's PATH. */
  readonly path: readonly string[];
  /** Whether a failure ends the build; a compile cache may be incomplete. */
  readonly required: boolean;
}

const npmFlags = ['--omit=dev', '--no-audit', '--no-fund', '--no-update-notifier', '--no-progress', '--no-color'];
const pipFlags = [
  '--no-compile',
  '--no-input',
  '--disable-pip-version-check',
  '--no-warn-script-location',
  '--no-color',
];

/** The command line of a step. */
export async function resolveStepCommand(
  kind: StepKind,
  folders: BuildFolders,
  toolchain: Toolchain,
): Promise<StepCommand> {
  const step = (command: readonly string[]): StepCommand => ({ command, path: [], required: true });
  switch (kind) {
    case 'npm-ci':
    case 'npm-install': {
      const { node, cli } = await toolchain.npm();
      const verb = kind === 'npm-ci' ? 'ci' : 'install';
      return { ...step([node, cli, verb, ...npmFlags]), path: [join(node, '..')] };
    }
    case 'pip': {
      const into = ['--target', folders.sitePackages, '--progress-bar', 'off', '--requirement', 'requirements.txt'];
      return step([await toolchain.python(), '-I', '-m', 'pip', 'install', ...pipFlags, ...into]);
    }
    case 'compile-python': {
      const flags = ['-q', '-q', '-s', folders.bundle, '-p', folders.final, '--invalidation-mode', 'unchecked-hash'];
      const command = [
        await toolchain.python(),
        '-I',
        '-m',
        'compileall',
        ...flags,
        folders.code,
        folders.sitePackages,
      ];
      return { command, path: [], required: false };
    }
    case 'make':
      return step([await toolchain.program('make')]);
    case 'script':
      return step((await isExecutable(join(folders.code, 'build.sh'))) ? ['./build.sh'] : ['/bin/sh', 'build.sh']);
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
