import { join } from 'node:path';
import type { Workload } from '../engine.ts';
import { functionEnv } from './function-env.ts';
import { createProgramId, giveListeningFolder } from './instance-folder.ts';
import type { LogTarget } from './keeper/protocol.ts';
import { type LaunchRequest, type Launched, launchProgram } from './launch-program.ts';
import { type LaunchPlan, type PooledRuntime, decideLaunchPlan, identityFromWorkload } from './launch-plan.ts';
import { type ProcessHost, limitsFromSettings } from './process-host.ts';
import { type WarmPool, canUsePool, isBornWith } from './warm-pool.ts';

/** A program on its way to be an instance. */
export interface Obtained {
  readonly launched: Launched;
  readonly plan: LaunchPlan;
  /** Out of the pool: it listens already and has to be told whose it is. */
  readonly pooled: boolean;
  /** Port it was told to listen on. */
  readonly port: number | undefined;
}

/** A warm process where one fits, else a new program. Rejects with the reason it cannot be had. */
export async function obtainProgram(
  host: ProcessHost,
  pool: WarmPool,
  workload: Workload,
  instanceId: string,
  signal: AbortSignal,
): Promise<Obtained> {
  const plan = decideLaunchPlan(host, workload);
  const log = { directory: logDirectory(host.stateDir, workload), instance: instanceId };
  const warm = await claimWarm(host, pool, plan, workload, log);
  if (warm !== undefined) return { launched: warm, plan, pooled: true, port: undefined };
  const port = plan.mode === 'http' ? await host.ports.choose() : undefined;
  const launched = await launchCold(host, plan, workload, { log, instanceId, port, signal });
  return { launched, plan, pooled: false, port };
}

/** Where the lines of a function are kept. */
export function logDirectory(
  stateDir: string,
  workload: { readonly namespace: string; readonly name: string },
): string {
  return join(stateDir, 'logs', workload.namespace, workload.name);
}

async function claimWarm(
  host: ProcessHost,
  pool: WarmPool,
  plan: LaunchPlan,
  workload: Workload,
  log: LogTarget,
): Promise<Launched | undefined> {
  const { runtime } = plan;
  if (!isPooled(runtime) || !canUsePool(workload, host.sandbox.abilities.cgroup !== 'none')) return undefined;
  const launched = pool.claim(runtime);
  if (launched === undefined) return undefined;
  try {
    const { identity } = workload;
    if (identity !== undefined) giveListeningFolder(launched.folder, identity);
    host.secrets.write(launched.program.id, workload.secrets, identity);
    launched.program.assign(log);
    if (!isBornWith(workload.settings)) {
      await host.sandbox.limit(launched.cage, limitsFromSettings(workload.settings));
    }
    return launched;
  } catch {
    // A limit below what it uses already, for example: a new process can have it.
    launched.program.kill();
    return undefined;
  }
}

function isPooled(runtime: LaunchPlan['runtime']): runtime is PooledRuntime {
  return runtime === 'node' || runtime === 'python';
}

interface Cold {
  readonly log: LogTarget;
  readonly instanceId: string;
  readonly port: number | undefined;
  readonly signal: AbortSignal;
}

function launchCold(host: ProcessHost, plan: LaunchPlan, workload: Workload, cold: Cold): Promise<Launched> {
  const { settings, secrets } = workload;
  const request: LaunchRequest = {
    id: createProgramId(),
    cageId: cold.instanceId,
    command: plan.command,
    cwd: plan.cwd,
    identity: identityFromWorkload(workload),
    identityLater: false,
    limits: limitsFromSettings(settings),
    network: settings.network,
    isolation: settings.isolation,
    readOnlyRoot: workload.readOnlyRootFilesystem,
    secrets,
    log: cold.log,
    env: ({ home, tmp, socketPath }) => ({
      ...functionEnv(workload, {
        home,
        tmp,
        secrets: '',
        path: host.path,
        ...(cold.port === undefined ? {} : { port: cold.port }),
      }),
      ...(plan.runtime === undefined ? {} : { TINDERBOX_SOCKET: socketPath }),
    }),
  };
  return launchProgram(host, request, cold.signal);
}
