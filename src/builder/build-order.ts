import { TinderboxError } from '../model/errors.ts';

/** What the worker is told to build; plain data, so that it crosses the process border. */
export interface BuildOrder {
  readonly namespace: string;
  readonly directory: string;
  readonly language: string | undefined;
  readonly process: string | undefined;
  readonly mode: string | undefined;
  readonly buildArgs: Readonly<Record<string, string>>;
}

const maxBuildArgs = 100;
const maxBuildArgBytes = 32 * 1024;
const argName = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const imageName = /^[A-Za-z0-9]+((?:[._/:@]|__|-+)[A-Za-z0-9]+)*$/;

/** Throws `invalid` unless `image` looks as Docker's references do: `host:port/folder/name:tag`, at most 255 characters. */
export function assertImageName(image: string): void {
  if (image.length > 255 || !imageName.test(image)) {
    throw new TinderboxError(
      'invalid',
      `image "${image.slice(0, 300)}" is not a name such as hello:latest or registry/team/hello:1.0 (255 characters at most)`,
    );
  }
}

/** Throws `invalid` for build args that cannot be environment variables, or too many of them. */
export function assertBuildArgs(args: Readonly<Record<string, string>>): void {
  const entries = Object.entries(args);
  if (entries.length > maxBuildArgs) {
    throw new TinderboxError('invalid', `${entries.length} build args given, the limit is ${maxBuildArgs}`);
  }
  for (const [name, value] of entries) {
    if (!argName.test(name)) throw new TinderboxError('invalid', `build arg "${name}" is not a variable name`);
    if (value.length > maxBuildArgBytes || value.includes('\0')) {
      throw new TinderboxError('invalid', `build arg "${name}" holds NUL or more than ${maxBuildArgBytes} characters`);
    }
  }
}
