import { basename } from 'node:path';

/**
 * Adds Node's permission model to a command that begins with a node binary: reading everything, writing only the
 * given folders, no child processes, add-ons or inspector. Hardening on top of the walls, never one of them. The
 * network stays open here because its wall is the namespace; Node before 25 has no such switch.
 */
export function nodePermission(command: readonly string[], writable: readonly string[]): readonly string[] {
  const [program, ...rest] = command;
  if (program === undefined || !/^node(js)?$/.test(basename(program))) return command;
  const net = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [];
  const writes = writable.map((path) => `--allow-fs-write=${path}`);
  return [
    program,
    '--permission',
    '--disable-warning=ExperimentalWarning',
    '--allow-fs-read=*',
    ...writes,
    ...net,
    ...rest,
  ];
}
