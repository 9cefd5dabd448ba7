import type { HostSandbox } from '../../sandbox/create-sandbox.ts';
import type { Limits } from '../../sandbox/sandbox.ts';
import type { FunctionSettings } from '../../model/settings.ts';
import type { RunningProgram } from './running-program.ts';
import type { InstalledRuntimes } from './install-runtimes.ts';
import type { KeeperLink } from './keeper-link.ts';
import type { PortChooser } from './port-chooser.ts';
import type { SecretFiles } from '../../sandbox/secret-files.ts';
import type { PortRegistry } from './port-registry.ts';

/** What running a program on this host takes. */
export interface ProcessHost {
  readonly stateDir: string;
  readonly runDir: string;
  readonly sandbox: HostSandbox;
  readonly keeper: KeeperLink;
  readonly secrets: SecretFiles;
  readonly ports: PortChooser;
  readonly portOwners: PortRegistry;
  /** The programs behind ready instances, by instance id. */
  readonly running: Map<string, RunningProgram>;
  readonly runtimes: InstalledRuntimes;
  /** Python binary; undefined: this host runs no Python functions. */
  readonly python: string | undefined;
  /** PATH of functions: the folder of our Node first. */
  readonly path: string;
  readonly startTimeoutMs: number;
}

/** Largest file and most open files of an instance; the host's hard limits may be lower. */
const fileBytes = 2 ** 30;
const openFiles = 4096;

export function limitsFromSettings(settings: Pick<FunctionSettings, 'memoryBytes' | 'cpuMillis' | 'pids'>): Limits {
  const { memoryBytes, cpuMillis, pids } = settings;
  return { memoryBytes, cpuMillis, pids, fileBytes, openFiles };
}
