import { join } from 'node:path';
import type { Protections } from '../../model/instance.ts';
import type { Isolation, Network } from '../../model/settings.ts';
import type { CageRef, Identity, Limits } from '../../sandbox/sandbox.ts';
import { type InstanceFolder, createInstanceFolder, instanceFolder } from './instance-folder.ts';
import type { LogTarget } from './keeper/protocol.ts';
import type { KeptProgram, ProgramEnd } from './kept-program.ts';
import type { ProcessHost } from './process-host.ts';
import { removeForeignTree } from '../../sandbox/remove-foreign-tree.ts';
import { secretsTarget } from '../../sandbox/secret-files.ts';

/** A program to be started inside its walls. */
export interface LaunchRequest {
  /** Names folder and program: eight characters of `[a-z0-9]`. */
  readonly id: string;
  readonly cageId: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly identity: Identity | undefined;
  /** A warm process: nobody's yet. */
  readonly identityLater: boolean;
  readonly limits: Limits;
  readonly network: Network;
  readonly isolation: Isolation;
  /** Nothing but its socket's folder and a /tmp of its own may be written. */
  readonly readOnlyRoot: boolean;
  readonly secrets: Readonly<Record<string, Buffer>>;
  readonly log: LogTarget | undefined;
  /** Its environment, once its folder is known; OPENFAAS_SECRETS_DIR is added. */
  env(folder: InstanceFolder): Readonly<Record<string, string>>;
}

/** A started program with all that belongs to it. */
export interface Launched {
  readonly program: KeptProgram;
  readonly cage: CageRef;
  readonly folder: InstanceFolder;
  /** Where the program sees its secrets. */
  readonly secretsDir: string;
  readonly protections: Protections;
  /** Resolves when nothing of it is left: processes, cage, folder, secrets. */
  readonly gone: Promise<ProgramEnd>;
}

/** Makes folder, secrets and cage, and has the keeper start the program. Leaves nothing when it fails. */
export async function launchProgram(host: ProcessHost, request: LaunchRequest, signal: AbortSignal): Promise<Launched> {
  const { id, identity, identityLater } = request;
  const folder = instanceFolder(host.runDir, id);
  const owner = identityLater ? undefined : identity;
  let cage: CageRef | undefined;
  try {
    createInstanceFolder(folder, owner);
    host.secrets.prepare(id);
    if (!identityLater) host.secrets.write(id, request.secrets, owner);
    const confined = await host.sandbox.confine({
      id: request.cageId,
      command: request.command,
      env: request.env(folder),
      cwd: request.cwd,
      identity,
      identityLater,
      limits: request.limits,
      network: request.network,
      isolation: request.isolation,
      binds: [{ source: host.secrets.directory(id), target: secretsTarget, readOnly: true }],
      hidden: [...['keeper', 'i', 'build'].map((name) => join(host.runDir, name)), host.secrets.root],
      writable: request.readOnlyRoot ? folder.writable.filter((path) => path !== folder.home) : folder.writable,
      ...(request.readOnlyRoot ? { readOnlyWithTmp: folder.tmp } : {}),
    });
    cage = confined.cage;
    const { file, args, cwd, protections } = confined;
    const secretsDir = secretsDirectory(host, id, protections);
    const env = { ...confined.env, OPENFAAS_SECRETS_DIR: secretsDir };
    const log = request.log === undefined ? {} : { log: request.log };
    const { pidNamespace } = protections;
    const traces = [host.secrets.directory(id), folder.directory];
    const program = await host.keeper.spawn({ id, file, args, env, cwd, cage, pidNamespace, traces, ...log }, signal);
    const gone = cleanUpAfter(host, program, cage, folder);
    return { program, cage, folder, secretsDir, protections: withSecretsNote(protections, host), gone };
  } catch (error) {
    if (cage !== undefined) await host.sandbox.destroy(cage).catch(() => undefined);
    await removeTraces(host, folder, id);
    throw error;
  }
}

/** Removes what a program leaves when it ends; the cage too where no keeper was there to do it. */
export async function cleanUpAfter(
  host: ProcessHost,
  program: KeptProgram,
  cage: CageRef,
  folder: InstanceFolder,
): Promise<ProgramEnd> {
  const end = await program.ended;
  if (end.lost) await host.sandbox.destroy(cage).catch(() => undefined);
  await removeTraces(host, folder, program.id);
  return end;
}

async function removeTraces(host: ProcessHost, folder: InstanceFolder, id: string): Promise<void> {
  await Promise.all([host.secrets.remove(id), removeForeignTree(folder.directory)]);
}

/** Where a program sees its secrets. */
export function secretsDirectory(host: ProcessHost, id: string, protections: Protections): string {
  return isBound(protections) ? secretsTarget : host.secrets.directory(id);
}

/** The sandbox says when it could not show a directory at its place. */
function isBound(protections: Protections): boolean {
  return protections.mountNamespace && !protections.missing.some((text) => text.startsWith(secretsTarget));
}

function withSecretsNote(protections: Protections, host: ProcessHost): Protections {
  const { missing } = host.secrets;
  return missing === undefined ? protections : { ...protections, missing: [...protections.missing, missing] };
}
