import { createHash } from 'node:crypto';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { TinderboxError } from '../model/errors.ts';
import type { Config, EventsNats, NatsConfig } from './config.ts';
import { resolveTracing } from './resolve-tracing.ts';
import { flagOf, type Setting, type SettingName, type SettingValues, settings, variableOf } from './settings-table.ts';

/** Where values come from, strongest first: flags by setting name, environment, file by key. */
export interface ConfigSources {
  readonly flags: Readonly<Partial<Record<SettingName, string>>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flattened `tinderbox.yaml`: `limits.body` → text. */
  readonly file: Readonly<Record<string, string>>;
  /** What that file is called in messages; default `tinderbox.yaml`. */
  readonly fileName?: string;
  readonly buildEnv: Readonly<Record<string, string>>;
  readonly home: string;
  readonly uid: number;
}

/** Resolves, checks and freezes. Throws `config`, naming the setting, its value and what would be right. */
export function resolveConfig(sources: ConfigSources): Config {
  assertKnownKeys(sources.file, fileNameOf(sources));
  const given = parseAll(sources);
  const warnings: string[] = [];
  const stateDir = resolve(given.stateDir ?? join(sources.home, '.local', 'share', 'tinderbox'));
  const config: Config = {
    host: given.host ?? '127.0.0.1',
    port: given.port ?? 8080,
    portalPort: given.portalPort ?? 8083,
    metricsPort: given.metricsPort ?? 8082,
    stateDir,
    runDir: resolve(given.runDir ?? defaultRunDir(stateDir, sources.uid)),
    keyFile: resolve(given.keyFile ?? join(stateDir, 'secrets.key')),
    user: given.user ?? 'admin',
    password: given.password,
    isolation: given.isolation ?? 'auto',
    uids: given.uids ?? { first: 200_000, last: 265_535 },
    uidsGiven: given.uids !== undefined,
    ...resolveGroups(given, sources, stateDir),
    nats: resolveNats(given),
    events: { nats: resolveEventsNats(given) },
    startTimeoutMs: given.startTimeoutMs ?? 30_000,
    logFileBytes: given.logFileBytes ?? 8 * 2 ** 20,
    scaleIntervalMs: given.scaleIntervalMs ?? 2000,
    scaling: {
      ...(given.scaleZeroAfterMs === undefined ? {} : { zeroAfterMs: given.scaleZeroAfterMs }),
      ...(given.scaleDryRun === undefined ? {} : { dryRun: given.scaleDryRun }),
    },
    prometheusUrl: given.prometheusUrl,
    tracing: resolveTracing(given, sources.env, (text) => void warnings.push(text)),
    keeperOrphanMs: given.keeperOrphanMs ?? 30_000,
    warnings,
  };
  return Object.freeze(config);
}

function resolveNats(given: SettingValues): NatsConfig | undefined {
  const { natsServers, natsUser, natsPassword, natsToken, natsCreds, natsTlsCa, natsTlsCert, natsTlsKey } = given;
  if (natsServers === undefined) return undefined;
  const tls = {
    ...(natsTlsCa === undefined ? {} : { caFile: resolve(natsTlsCa) }),
    ...(natsTlsCert === undefined ? {} : { certFile: resolve(natsTlsCert) }),
    ...(natsTlsKey === undefined ? {} : { keyFile: resolve(natsTlsKey) }),
  };
  return {
    access: {
      ...natsServers,
      ...(natsUser === undefined ? {} : { user: natsUser }),
      ...(natsPassword === undefined ? {} : { password: natsPassword }),
      ...(natsToken === undefined ? {} : { token: natsToken }),
      ...(natsCreds === undefined ? {} : { credsFile: resolve(natsCreds) }),
      ...(Object.keys(tls).length === 0 ? {} : { tls }),
    },
    name: given.natsName ?? 'tinderbox',
    replicas: given.natsReplicas ?? 1,
    leaseMs: Math.max(2000, given.natsLeaseMs ?? 30_000),
  };
}

function resolveGroups(
  given: SettingValues,
  { buildEnv, env }: ConfigSources,
  stateDir: string,
): Pick<Config, 'limits' | 'exec' | 'budget' | 'queue' | 'pool' | 'build'> {
  return {
    limits: {
      bodyBytes: given.bodyBytes ?? 256 * 2 ** 20,
      headerBytes: given.headerBytes ?? 32 * 2 ** 10,
      headersTimeoutMs: given.headersTimeoutMs ?? 15_000,
      stallTimeoutMs: given.stallTimeoutMs ?? 60_000,
    },
    exec: { sessions: given.execSessions ?? 16, idleMs: given.execIdleMs ?? 3_600_000 },
    budget: {
      instances: given.instances ?? 200,
      memoryBytes: given.memoryBytes ?? Math.floor(totalmem() * 0.9),
      concurrentStarts: given.concurrentStarts ?? 8,
      waitingCalls: given.waitingCalls ?? 10_000,
      bufferedBytes: given.bufferedBytes ?? 256 * 2 ** 20,
    },
    queue: {
      laneJobs: given.queueJobs ?? 1_000_000,
      laneBytes: given.queueBytes ?? 2 ** 30,
      bodyBytes: given.queueBodyBytes ?? 8 * 2 ** 20,
      deadLetters: given.queueDeadLetters ?? 10_000,
      deadLettersMs: given.queueDeadLettersMs ?? 720 * 3_600_000,
      history: given.queueHistory ?? 100_000,
      historyMs: given.queueHistoryMs ?? 168 * 3_600_000,
      dedicated: given.dedicatedQueues ?? new Map(),
      callbackRanges: given.callbackRanges ?? [],
      callbackSecretFile: resolve(given.callbackSecretFile ?? join(stateDir, 'callback-secret')),
    },
    pool: { node: given.poolNode ?? 2, python: given.poolPython ?? 2 },
    build: {
      timeoutMs: given.buildTimeoutMs ?? 600_000,
      memoryBytes: given.buildMemoryBytes ?? 2 * 2 ** 30,
      diskBytes: given.buildDiskBytes ?? 2 * 2 ** 30,
      concurrent: given.buildConcurrent ?? 2,
      payloadSecretFile: resolve(given.payloadSecretFile ?? join(stateDir, 'payload-secret')),
      env: buildEnv,
      toolPath: env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    },
  };
}

/** Triggers may have a server of their own each. */
function resolveEventsNats({
  eventsNats: servers,
  eventsNatsCredentials: file,
}: SettingValues): EventsNats | undefined {
  if (servers === undefined) return undefined;
  return { servers, credentialsFile: file === undefined ? undefined : resolve(file) };
}

/** As root other users must pass through it, which a home folder forbids; a reboot must not empty it. */
function defaultRunDir(stateDir: string, uid: number): string {
  if (uid !== 0) return `${stateDir}-run`;
  return join('/var/lib/tinderbox-run', createHash('sha256').update(stateDir).digest('hex').slice(0, 8));
}

function parseAll(sources: ConfigSources): SettingValues {
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settings)) {
    const value = parseFirst(setting, [
      { text: sources.flags[name as SettingName], place: `--${flagOf(setting.key)}` },
      { text: sources.env[variableOf(setting.key)], place: variableOf(setting.key) },
      { text: sources.file[setting.key], place: fileNameOf(sources) },
    ]);
    if (value !== undefined) values[name] = value;
  }
  return values as SettingValues;
}

interface Given {
  readonly text: string | undefined;
  readonly place: string;
}

/** What is wrong may be far from where somebody looks, such as in a variable that an orchestrator sets for a service. */
function parseFirst(setting: Setting<unknown>, given: readonly Given[]): unknown {
  const first = given.find(({ text }) => text !== undefined);
  if (first?.text === undefined) return undefined;
  try {
    return setting.parse(first.text, setting.key);
  } catch (reason) {
    const { code, message, hint } = TinderboxError.from(reason);
    throw new TinderboxError(code, `${message} (given by ${first.place})`, hint === undefined ? {} : { hint });
  }
}

function fileNameOf({ fileName = 'tinderbox.yaml' }: ConfigSources): string {
  return fileName;
}

function assertKnownKeys(file: Readonly<Record<string, string>>, fileName: string): void {
  const known = Object.values(settings).map((setting) => setting.key as string);
  for (const key of Object.keys(file)) {
    if (!known.includes(key)) {
      throw new TinderboxError('config', `${fileName} has an unknown setting "${key}"`, {
        hint: `known settings: ${known.join(', ')}, build.env`,
      });
    }
  }
}
