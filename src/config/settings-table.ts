import { isIP } from 'node:net';
import { natsName, natsServers } from './nats-settings.ts';
import { TinderboxError } from '../model/errors.ts';
import { parseDurationMs } from '../model/duration.ts';
import { parseMemory } from '../model/quantity.ts';
import { parsePairs, parseRatio } from './parse-tracing.ts';
import { durationIn } from '../model/read-setting.ts';
import { isQueueName } from '../model/queue-name.ts';

/** One configurable value: its key in `tinderbox.yaml`, from which flag and variable names follow, and its checks. */
export interface Setting<T> {
  readonly key: string;
  readonly about: string;
  readonly parse: (text: string, key: string) => T;
}

/** `limits.body` is `--limits-body` on the command line, `dataDir` is `--data-dir`. */
export function flagOf(key: string): string {
  return key.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `scale.interval` is `TINDERBOX_SCALE_INTERVAL` in the environment. */
export function variableOf(key: string): string {
  return `TINDERBOX_${key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll(/[.-]/g, '_')
    .toUpperCase()}`;
}

function text(value: string, key: string): string {
  if (value.trim() === '') throw new TinderboxError('config', `setting ${key} is empty`);
  return value.trim();
}

function integer(least: number, most: number): (value: string, key: string) => number {
  return (value, key) => {
    const number = /^\d{1,15}$/.test(value.trim()) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new TinderboxError('config', `setting ${key} is "${value}", not a whole number from ${least} to ${most}`);
  };
}

function asConfig<T>(parse: (value: string, what: string) => T): (value: string, key: string) => T {
  return (value, key) => {
    try {
      return parse(value, `setting ${key}`);
    } catch (error) {
      throw new TinderboxError('config', TinderboxError.from(error).message);
    }
  };
}

function isolation(value: string, key: string): 'auto' | 'none' | 'namespaces' | 'strict' {
  const known = ['auto', 'none', 'namespaces', 'strict'] as const;
  const found = known.find((name) => name === value.trim());
  if (found !== undefined) return found;
  throw new TinderboxError('config', `setting ${key} is "${value}", not one of ${known.join(', ')}`);
}

function yesOrNo(value: string, key: string): boolean {
  const word = value.trim();
  if (word === 'true' || word === 'false') return word === 'true';
  throw new TinderboxError('config', `setting ${key} is "${value}", neither true nor false`);
}

function webAddress(value: string, key: string): string {
  const url = URL.parse(value.trim());
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return value.trim();
  throw new TinderboxError('config', `setting ${key} is "${value}", not an address such as http://127.0.0.1:9090`);
}

/** Addresses or ranges in CIDR notation, separated by commas. */
function ranges(value: string, key: string): readonly string[] {
  const parts = value.split(',').map((part) => part.trim());
  for (const part of parts) {
    const [address = '', prefix] = part.split('/');
    const bits = isIP(address) === 6 ? 128 : 32;
    const isRange = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
    if (isIP(address) !== 0 && isRange) continue;
    throw new TinderboxError('config', `setting ${key} has "${part}", not an address or a range such as 10.1.0.0/16`);
  }
  return parts;
}

/** `NAME=CALLS AT ONCE[/STORED CALLS]`, separated by commas. */
function dedicatedQueues(value: string, key: string): ReadonlyMap<string, { atOnce: number; laneJobs?: number }> {
  const parts = value.split(',').map((part) => {
    const [, name = '', calls, jobs] = /^([^=]+)=([1-9]\d{0,4})(?:\/([1-9]\d{0,8}))?$/.exec(part.trim()) ?? [];
    if (!isQueueName(name) || !(Number(calls) <= 10_000)) {
      const shape = 'a name, =, and 1 to 10000 calls at once, with / and the stored calls of one function if need be';
      throw new TinderboxError(
        'config',
        `setting ${key} has "${part.trim()}", not ${shape}: reports=4, reports=4/1000`,
      );
    }
    return [name, { atOnce: Number(calls), ...(jobs === undefined ? {} : { laneJobs: Number(jobs) }) }] as const;
  });
  return new Map(parts);
}

/** Addresses of one cluster; who calls stands in a file of its own. */
function eventsNats(value: string, key: string): readonly string[] {
  const servers = value.split(',').map((part) => part.trim());
  for (const server of servers) {
    const url = URL.canParse(server) ? new URL(server) : undefined;
    const isServer = url !== undefined && ['nats:', 'tls:'].includes(url.protocol) && url.hostname !== '';
    if (!isServer) throw new TinderboxError('config', `setting ${key} has "${server}", not nats://HOST:4222`);
    if (url.username !== '' || url.password !== '') {
      throw new TinderboxError(
        'config',
        `setting ${key} has credentials in it; setting events.natsCredentials names their file`,
      );
    }
  }
  return servers;
}

function uidRange(value: string, key: string): { first: number; last: number } {
  const match = /^(\d{4,10})-(\d{4,10})$/.exec(value.trim());
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && first >= 1000 && last >= first && last < 2 ** 32 - 1) return { first, last };
  throw new TinderboxError('config', `setting ${key} is "${value}", not a range such as 200000-265535 above 999`);
}

/**
 * Every setting there is. A key that is not here is refused as a flag and in the file; an unknown `TINDERBOX_` variable
 * is not, because orchestrators make variables of that form for a service of that name.
 */
export const settings = {
  host: { key: 'host', about: 'address to listen on (127.0.0.1)', parse: text },
  port: { key: 'port', about: 'port of API and functions (8080)', parse: integer(0, 65_535) },
  portalPort: { key: 'portalPort', about: 'port of the portal (8083)', parse: integer(0, 65_535) },
  metricsPort: { key: 'metricsPort', about: 'port of the metrics, loopback only (8082)', parse: integer(0, 65_535) },
  stateDir: { key: 'dataDir', about: 'database, keys and logs (~/.local/share/tinderbox)', parse: text },
  runDir: { key: 'runDir', about: 'artifacts, instances and sockets; short', parse: text },
  keyFile: { key: 'keyFile', about: 'key that encrypts secrets (DATA-DIR/secrets.key)', parse: text },
  user: { key: 'user', about: 'name for the API (admin)', parse: text },
  password: { key: 'password', about: 'password for the API (made at first start)', parse: text },
  isolation: { key: 'isolation', about: 'auto, none, namespaces or strict (auto)', parse: isolation },
  uids: { key: 'uids', about: 'uids for functions and builds, as root (65536 from 200000 on)', parse: uidRange },
  bodyBytes: { key: 'limits.body', about: 'largest request body (256Mi)', parse: asConfig(parseMemory) },
  headerBytes: { key: 'limits.headers', about: 'largest request head (32Ki)', parse: asConfig(parseMemory) },
  headersTimeoutMs: {
    key: 'limits.headersTimeout',
    about: 'time for a request head (15s)',
    parse: asConfig(parseDurationMs),
  },
  stallTimeoutMs: {
    key: 'limits.stallTimeout',
    about: 'longest silence in a body (60s)',
    parse: asConfig(parseDurationMs),
  },
  instances: {
    key: 'budget.instances',
    about: 'instances of all functions together (200)',
    parse: integer(1, 100_000),
  },
  execSessions: {
    key: 'exec.sessions',
    about: 'commands run beside instances at once (16)',
    parse: integer(1, 10_000),
  },
  execIdleMs: {
    key: 'exec.idleTimeout',
    about: 'longest silence of such a command (1h)',
    parse: asConfig(parseDurationMs),
  },
  memoryBytes: {
    key: 'budget.memory',
    about: 'memory promised to all together (90 % of the host)',
    parse: asConfig(parseMemory),
  },
  startTimeoutMs: {
    key: 'start.timeout',
    about: 'time an instance has to become ready (30s)',
    parse: asConfig(parseDurationMs),
  },
  concurrentStarts: { key: 'budget.starts', about: 'instances starting at once (8)', parse: integer(1, 1000) },
  waitingCalls: { key: 'budget.waiting', about: 'calls waiting for a slot (10000)', parse: integer(0, 1_000_000) },
  bufferedBytes: { key: 'budget.buffered', about: 'bytes of waiting calls (256Mi)', parse: asConfig(parseMemory) },
  poolNode: { key: 'pool.node', about: 'warm Node processes (2)', parse: integer(0, 64) },
  poolPython: { key: 'pool.python', about: 'warm Python processes (2)', parse: integer(0, 64) },
  buildTimeoutMs: { key: 'build.timeout', about: 'longest build (10m)', parse: asConfig(parseDurationMs) },
  buildMemoryBytes: { key: 'build.memory', about: 'memory of one build (2Gi)', parse: asConfig(parseMemory) },
  payloadSecretFile: {
    key: 'build.payloadSecretFile',
    about: 'secret that signs requests to build (DATA-DIR/payload-secret)',
    parse: text,
  },
  buildDiskBytes: { key: 'build.disk', about: 'disk of one build (2Gi)', parse: asConfig(parseMemory) },
  buildConcurrent: { key: 'build.concurrent', about: 'builds at once (2)', parse: integer(1, 64) },
  queueJobs: { key: 'queue.jobs', about: 'stored calls of one function (1000000)', parse: integer(1, 100_000_000) },
  queueBytes: {
    key: 'queue.bytes',
    about: 'bytes of stored calls of one function (1Gi)',
    parse: asConfig(parseMemory),
  },
  queueBodyBytes: { key: 'queue.body', about: 'largest body of a stored call (8Mi)', parse: asConfig(parseMemory) },
  queueDeadLetters: { key: 'queue.deadLetters', about: 'dead letters kept (10000)', parse: integer(0, 10_000_000) },
  dedicatedQueues: {
    key: 'queue.dedicated',
    about: 'queues by name with calls at once, and stored calls of one function: reports=4,mail=20/1000 (none)',
    parse: dedicatedQueues,
  },
  queueDeadLettersMs: {
    key: 'queue.deadLettersAge',
    about: 'longest a dead letter is kept (720h)',
    parse: asConfig(parseDurationMs),
  },
  queueHistoryMs: {
    key: 'queue.historyAge',
    about: 'longest a call that is over is kept (168h)',
    parse: asConfig(parseDurationMs),
  },
  queueHistory: { key: 'queue.history', about: 'calls that are over and kept (100000)', parse: integer(0, 10_000_000) },
  callbackRanges: {
    key: 'queue.callbackRanges',
    about: 'addresses callbacks may reach beside public ones (none)',
    parse: ranges,
  },
  callbackSecretFile: {
    key: 'queue.callbackSecretFile',
    about: 'secret that signs callbacks (DATA-DIR/callback-secret)',
    parse: text,
  },
  natsServers: {
    key: 'nats',
    about: 'keep stored calls in NATS JetStream: nats://HOST:PORT, several separated by commas (none: on this disk)',
    parse: natsServers,
  },
  natsUser: { key: 'natsUser', about: 'name for NATS', parse: text },
  natsPassword: { key: 'natsPassword', about: 'password for NATS; better in TINDERBOX_NATS_PASSWORD', parse: text },
  natsToken: { key: 'natsToken', about: 'token for NATS; better in TINDERBOX_NATS_TOKEN', parse: text },
  natsCreds: { key: 'natsCreds', about: 'file with JWT and key for NATS, as nsc writes it', parse: text },
  natsTlsCa: { key: 'natsTlsCa', about: 'file of the authorities trusted for NATS', parse: text },
  natsTlsCert: { key: 'natsTlsCert', about: 'file of the certificate shown to NATS', parse: text },
  natsTlsKey: { key: 'natsTlsKey', about: 'file of its key', parse: text },
  natsName: {
    key: 'natsName',
    about: 'what platforms that share stored calls have in common (tinderbox)',
    parse: natsName,
  },
  natsReplicas: { key: 'natsReplicas', about: 'copies of stored calls in a cluster of NATS (1)', parse: integer(1, 5) },
  natsLeaseMs: {
    key: 'natsLease',
    about: 'silence of a platform after which others get the calls it ran (30s)',
    parse: asConfig(parseDurationMs),
  },
  eventsNats: {
    key: 'events.nats',
    about: 'NATS servers of triggers and topics, nats://HOST:4222, separated by commas (those of nats)',
    parse: eventsNats,
  },
  eventsNatsCredentials: {
    key: 'events.natsCredentials',
    about: 'file with a NATS credentials file, user:password or a token (none)',
    parse: text,
  },
  logFileBytes: {
    key: 'logs.fileSize',
    about: 'size of each of the two log files of a function (8Mi)',
    parse: asConfig(parseMemory),
  },
  scaleIntervalMs: {
    key: 'scale.interval',
    about: 'how often the scaler looks (2s)',
    parse: asConfig(parseDurationMs),
  },
  scaleZeroAfterMs: {
    key: 'scale.zeroDuration',
    about: 'time without a call after which a function sleeps (15m)',
    parse: asConfig((value, what) => durationIn(value, what, 0, 100, 7 * 24 * 3_600_000)),
  },
  scaleDryRun: {
    key: 'scale.dryRun',
    about: 'true: the scaler only shows what it would do (false)',
    parse: yesOrNo,
  },
  prometheusUrl: {
    key: 'prometheus.url',
    about: 'Prometheus that is asked for the load of functions with a type of their own (none)',
    parse: webAddress,
  },
  tracingEndpoint: {
    key: 'tracing.endpoint',
    about: 'collector spans are sent to by OTLP over HTTP, such as http://127.0.0.1:4318 (none: nothing is traced)',
    parse: webAddress,
  },
  tracingService: { key: 'tracing.service', about: 'service.name of the spans (tinderbox)', parse: text },
  tracingRatio: {
    key: 'tracing.ratio',
    about: 'share of new traces that are recorded, 0 to 1 (1)',
    parse: (value, key) => parseRatio(value, `setting ${key}`),
  },
  tracingHeaders: {
    key: 'tracing.headers',
    about: 'headers for the collector: key=value,key=value (none)',
    parse: (value, key) => parsePairs(value, `setting ${key}`),
  },
  keeperOrphanMs: {
    key: 'keeper.orphanTimeout',
    about: 'how long instances outlive a platform that died (30s)',
    parse: asConfig(parseDurationMs),
  },
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof settings;

/** The parsed type of each setting. */
export type SettingValues = { [K in SettingName]?: ReturnType<(typeof settings)[K]['parse']> };
