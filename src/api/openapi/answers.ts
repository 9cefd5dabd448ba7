import { z } from 'zod';
import { triggerKinds, triggerOrigins } from '../../model/trigger.ts';
import { invocationStates } from '../../model/invocation-status.ts';

/** What the API answers with, as the document tells it; exact, so that a field nobody wrote down is found by its test. */

const strings = z.record(z.string(), z.string());
const amounts = z.strictObject({ memory: z.string().optional(), cpu: z.string().optional() });
const count = z.int().min(0);
const time = z.iso.datetime({ offset: true });
const build = z.strictObject({ sha: z.string().min(1), release: z.string().min(1) });

export const functionStatus = z.strictObject({
  name: z.string(),
  namespace: z.string(),
  image: z.string(),
  envProcess: z.string().optional(),
  envVars: strings.optional(),
  constraints: z.array(z.string()).optional(),
  secrets: z.array(z.string()).optional(),
  labels: strings,
  annotations: strings,
  limits: amounts.optional(),
  requests: amounts.optional(),
  readOnlyRootFilesystem: z.boolean().optional(),
  replicas: count,
  availableReplicas: count,
  createdAt: time,
  invocationCount: count.optional(),
  usage: z.strictObject({ cpu: z.number().min(0), totalMemoryBytes: count }).optional(),
});

export const platformInfo = z.strictObject({
  provider: z.strictObject({ provider: z.string().min(1), version: build, orchestration: z.string().min(1) }),
  version: z.strictObject({ ...build.shape, commit_message: z.string() }),
  arch: z.string().min(1),
  queue: z.strictObject({ name: z.string(), about: z.string(), limits: z.array(z.string()) }).optional(),
});

export const namespaceStatus = z.strictObject({
  name: z.string(),
  labels: strings.optional(),
  annotations: strings.optional(),
});

export const secretName = z.strictObject({ name: z.string(), namespace: z.string() });

export const logLine = z.strictObject({
  name: z.string(),
  namespace: z.string(),
  instance: z.string(),
  timestamp: time,
  text: z.string(),
  stream: z.enum(['stdout', 'stderr', 'system']),
  callId: z.string().optional(),
});

const protections = z.strictObject({
  uid: count.optional(),
  cgroup: z.enum(['v1', 'v2', 'none']),
  noNewPrivileges: z.boolean(),
  mountNamespace: z.boolean(),
  pidNamespace: z.boolean(),
  network: z.enum(['host', 'none']),
  memoryLimit: z.enum(['cgroup', 'rlimit', 'none']),
  missing: z.array(z.string()),
});

export const revisionStatus = z.strictObject({
  id: z.string(),
  state: z.enum(['pending', 'ready', 'failed']),
  failure: z.string().optional(),
  serving: z.boolean(),
  image: z.string(),
  artifact: z.string(),
  createdAt: time,
  ready: count,
  starting: count,
  protections: protections.optional(),
});

const scalingDecision = z.strictObject({
  at: time,
  from: count,
  to: count,
  recommended: count,
  load: z.number().min(0).optional(),
  reason: z.string().min(1),
});

export const scalingReport = z.strictObject({
  revision: z.string(),
  desired: count.optional(),
  ready: count,
  dryRun: z.boolean(),
  settings: z.array(z.strictObject({ name: z.string(), value: z.string(), source: z.string() })),
  decision: scalingDecision.optional(),
  change: scalingDecision.optional(),
  meterFailure: z.string().optional(),
});

const outcome = z.strictObject({
  ok: z.boolean(),
  timedOut: z.boolean(),
  canceled: z.boolean(),
  oomKilled: z.boolean(),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  durationMs: z.number(),
});

export const instanceStatus = z.strictObject({
  id: z.string(),
  function: z.string(),
  namespace: z.string(),
  revision: z.string(),
  state: z.enum(['starting', 'ready', 'draining', 'stopped', 'failed']),
  address: z
    .union([
      z.strictObject({ kind: z.literal('frame'), socketPath: z.string(), owner: count }),
      z.strictObject({ kind: z.literal('http'), host: z.string(), port: z.int() }),
    ])
    .optional(),
  concurrency: count,
  pid: z.int().optional(),
  startedAtMs: z.number(),
  pooled: z.boolean(),
  protections,
  outcome: outcome.optional(),
  reason: z.string().optional(),
});

export const imageStatus = z.strictObject({ image: z.string(), digest: z.string(), builtAt: time });

export const publicKey = z.strictObject({
  key_id: z.string().length(8),
  algorithm: z.literal('nacl/box'),
  public_key: z.string(),
});

export const buildResult = z.strictObject({
  log: z.array(z.string()),
  image: z.string(),
  status: z.enum(['in_progress', 'success', 'failed']),
  error: z.string().optional(),
  duration: z.number().min(0).optional(),
});

export const newKey = z.strictObject({ key: z.string() });

export const invocationStatus = z.strictObject({
  id: z.string(),
  function: z.string(),
  state: z.enum(invocationStates),
  created: time,
  due: time.optional(),
  started: time.optional(),
  finished: time.optional(),
  attempts: count,
  billedMs: count,
  gbSeconds: z.number().min(0),
  status: z.int().optional(),
  durationMs: z.number().min(0).optional(),
  reason: z.string().optional(),
  response: z.string().optional(),
  truncated: z.boolean().optional(),
});

export const queueDepth = z.strictObject({
  function: z.string(),
  queue: z.string(),
  jobs: count,
  bytes: count,
  running: count,
  limit: count,
});
export const invocationLine = z.strictObject({
  timestamp: time,
  instance: z.string(),
  stream: z.enum(['stdout', 'stderr', 'system']),
  text: z.string(),
});
export const plannedRun = z.strictObject({ function: z.string(), expression: z.string(), next: time.optional() });
export const purged = z.strictObject({ purged: count });

const sourceStatus = z.strictObject({
  connected: z.boolean(),
  inFlight: count,
  delivered: count,
  retried: count,
  failed: count,
  lag: count.optional(),
  lastError: z.string().optional(),
  lastErrorAt: time.optional(),
});

export const triggerStatus = z.strictObject({
  name: z.string(),
  namespace: z.string(),
  function: z.string(),
  kind: z.enum(triggerKinds),
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.string()).optional(),
  schedule: z
    .strictObject({
      expressions: z.array(z.string()),
      timezone: z.string(),
      missed: z.enum(['skip', 'once']),
      overlap: z.enum(['allow', 'skip']),
      body: z.string(),
    })
    .optional(),
  nats: z
    .strictObject({
      subject: z.string(),
      servers: z.array(z.string()).optional(),
      secret: z.string().optional(),
      queueGroup: z.string().optional(),
      stream: z.string().optional(),
      createStream: z.boolean().optional(),
      durable: z.string().optional(),
      deliver: z.enum(['all', 'new', 'last']).optional(),
    })
    .optional(),
  paused: z.boolean(),
  concurrency: count.optional(),
  attempts: count.optional(),
  minWait: z.string().optional(),
  maxWait: z.string().optional(),
  responseTopic: z.string().optional(),
  errorTopic: z.string().optional(),
  readOnly: z.boolean(),
  origin: z.enum(triggerOrigins).optional(),
  version: count.optional(),
  createdAt: time.optional(),
  nextRuns: z.array(time).optional(),
  status: sourceStatus.optional(),
});

/** OpenFaaS's own format, which others extend as they like. */
export const functionStore = z.looseObject({
  version: z.string(),
  functions: z.array(z.looseObject({ name: z.string() })),
});
