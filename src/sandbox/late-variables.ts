import { TinderboxError } from '../model/errors.ts';
import type { Tools } from './tools.ts';

/** A command with the variables that must not reach the launcher. Throws `unsupported` where env(1) cannot set them. */
export function withLateVariables(
  tools: Pick<Tools, 'env'>,
  command: readonly string[],
  late: readonly string[],
): readonly string[] {
  if (late.length === 0) return command;
  if (tools.env === undefined || command[0]?.includes('=') === true) {
    throw new TinderboxError(
      'unsupported',
      `${late.map((pair) => pair.split('=')[0]).join(', ')} cannot be set for "${command[0]}"`,
    );
  }
  return [tools.env, '--', ...late, ...command];
}
