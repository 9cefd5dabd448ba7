import { TinderboxError } from '../../model/errors.ts';
import type { ExecCommand, ExecSession } from '../../model/exec.ts';
import type { Instance } from '../../model/instance.ts';
import { cagePids } from '../../sandbox/cage.ts';
import { nestedCage } from '../../sandbox/nested-cage.ts';
import { findResident } from '../../sandbox/program.ts';
import type { Workload } from '../engine.ts';
import { functionEnv } from './function-env.ts';
import { createProgramId, instanceFolder } from './instance-folder.ts';
import { secretsDirectory } from './launch-program.ts';
import { decideLaunchPlan, identityFromWorkload } from './launch-plan.ts';
import { type ProcessHost, limitsFromSettings } from './process-host.ts';
import type { RunningProgram } from './running-program.ts';

/**
 * Runs a command beside an instance: its user, groups, cage, namespaces, limits, environment and folder. Rejects with
 * `not-found` when it is over, `unsupported` when a wall or a terminal cannot be had, `cannot-start`, `unavailable`.
 */
export async function execInProgram(
  host: ProcessHost,
  instance: Instance,
  workload: Workload,
  command: ExecCommand,
): Promise<ExecSession> {
  const running = host.running.get(instance.id);
  if (running === undefined) throw new TinderboxError('not-found', `instance "${instance.id}" is not running`);
  const { program, cage } = running;
  const { protections } = instance;
  const id = `exec-${createProgramId()}`;
  const inner = nestedCage(cage, id);
  const target = await findResident(program.pid, protections.pidNamespace);
  // A pid that was given to somebody else meanwhile is in another cage.
  if (!(await cagePids(cage, program.pid)).includes(target)) {
    throw new TinderboxError('not-found', `instance "${instance.id}" is ending`);
  }
  const entrance = host.sandbox.enter({
    cage: inner,
    target,
    protections,
    command: command.command,
    env: environmentOf(host, instance, workload, running, command),
    cwd: decideLaunchPlan(host, workload).cwd,
    identity: identityFromWorkload(workload),
    limits: limitsFromSettings(workload.settings),
    ...(command.terminal === undefined ? {} : { terminal: command.terminal }),
  });
  const terminal = command.terminal !== undefined;
  return await host.keeper.exec({
    id,
    programId: program.id,
    ...entrance,
    cwd: '/',
    cage: inner,
    stdin: command.stdin,
    terminal,
    depth: Number(protections.pidNamespace) + Number(terminal),
  });
}

function environmentOf(
  host: ProcessHost,
  { address, protections }: Instance,
  workload: Workload,
  { program }: RunningProgram,
  { terminal }: ExecCommand,
): Record<string, string> {
  const { home, tmp } = instanceFolder(host.runDir, program.id);
  return {
    ...functionEnv(workload, {
      home,
      tmp,
      secrets: secretsDirectory(host, program.id, protections),
      path: host.path,
      ...(address?.kind === 'http' ? { port: address.port } : {}),
    }),
    ...(terminal === undefined ? {} : { TERM: terminal.type }),
  };
}
