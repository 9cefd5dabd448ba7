import type { NatsAccess } from '../model/nats-access.ts';
import type { ScalingDefaults } from '../model/scaling.ts';

/** A queue in NATS JetStream that several platforms may share. */
export interface NatsConfig {
  readonly access: NatsAccess;
  /** What the platforms that share it have in common; default tinderbox. */
  readonly name: string;
  /** Copies in a cluster; default 1. */
  readonly replicas: number;
  /** Silence of a platform after which others get the calls it ran; default 30 s, at least 2 s. */
  readonly leaseMs: number;
}

/** A NATS server for triggers. */
export interface EventsNats {
  /** `nats://HOST:4222`, several of one cluster. */
  readonly servers: readonly string[];
  /** File with a NATS credentials file's text, `user:password` or a token; undefined: nobody asks. */
  readonly credentialsFile: string | undefined;
}

/** Everything configurable, resolved once at start from flags, environment and `tinderbox.yaml`, then frozen. */
export interface Config {
  /** Address the API and the functions listen on; default 127.0.0.1:8080. */
  readonly host: string;
  readonly port: number;
  /** Portal; default 8083 on the same host, 0 = any. */
  readonly portalPort: number;
  /** Metrics on loopback; default 8082. */
  readonly metricsPort: number;
  /** Database, keys, logs; 0700; default `~/.local/share/tinderbox`. */
  readonly stateDir: string;
  /** Artifacts, instance folders, sockets, interpreters; 0711, short; removable. */
  readonly runDir: string;
  /** Key for secrets at rest; default `stateDir/secrets.key`. */
  readonly keyFile: string;
  readonly user: string;
  /** Absent: taken from `stateDir/password`, made at first start. */
  readonly password: string | undefined;
  readonly isolation: 'auto' | 'none' | 'namespaces' | 'strict';
  /** First and last uid handed to functions and builds, as root; default 200000–265535. */
  readonly uids: { readonly first: number; readonly last: number };
  /** Whether somebody asked for that range; else it is where to begin to look for one that is nobody's. */
  readonly uidsGiven: boolean;
  readonly limits: {
    /** Largest request body that is buffered or passed; default 256 MiB. */
    readonly bodyBytes: number;
    readonly headerBytes: number;
    /** Time a client has for its headers. */
    readonly headersTimeoutMs: number;
    /** Longest silence while a body is read from or written to a client. */
    readonly stallTimeoutMs: number;
  };
  /** Commands run beside instances. */
  readonly exec: {
    /** At once; default 16. */
    readonly sessions: number;
    /** Longest silence of one; default 1 h. */
    readonly idleMs: number;
  };
  /** Host budget: what all functions together may use. */
  readonly budget: {
    readonly instances: number;
    readonly memoryBytes: number;
    readonly concurrentStarts: number;
    readonly waitingCalls: number;
    readonly bufferedBytes: number;
  };
  /** Calls nobody waits for. */
  readonly queue: {
    /** Stored calls of one function; default 1,000,000. */
    readonly laneJobs: number;
    /** Bytes of stored bodies of one function; default 1 GiB. */
    readonly laneBytes: number;
    /** Largest body that is stored, and largest answer a callback carries; default 8 MiB. */
    readonly bodyBytes: number;
    /** Calls that were given up and are kept; default 10,000. */
    readonly deadLetters: number;
    /** Longest a call that was given up is kept; default 720 h. */
    readonly deadLettersMs: number;
    /** Calls that are over and are kept; default 100,000. */
    readonly history: number;
    /** Longest a call that is over is kept; default 168 h. */
    readonly historyMs: number;
    /** Queues functions ask for by `com.openfaas.queue`, by name: calls at once, and stored calls of one function. */
    readonly dedicated: ReadonlyMap<string, { readonly atOnce: number; readonly laneJobs?: number }>;
    /** Addresses and ranges callbacks may reach beside those of the public internet; default none. */
    readonly callbackRanges: readonly string[];
    /** Secret that signs callbacks; default `stateDir/callback-secret`, made at first start. */
    readonly callbackSecretFile: string;
  };
  /** Where stored calls live in place of this disk; undefined: nowhere else. */
  readonly nats: NatsConfig | undefined;
  /** Where messages come from. */
  readonly events: {
    /** NATS for triggers that name no server of their own, and for topics of annotations; undefined: that of stored calls. */
    readonly nats: EventsNats | undefined;
  };
  /** Time an instance has to become ready; default 30 s. */
  readonly startTimeoutMs: number;
  /** Warm processes kept per runtime; default 2 for node, 2 for python. */
  readonly pool: { readonly node: number; readonly python: number };
  readonly build: {
    readonly timeoutMs: number;
    readonly memoryBytes: number;
    readonly diskBytes: number;
    readonly concurrent: number;
    /** Secret that signs requests to build; default `stateDir/payload-secret`, made at first start. */
    readonly payloadSecretFile: string;
    /** Registry settings given to builds, for example `NPM_CONFIG_REGISTRY`, `PIP_INDEX_URL`; never the platform's HOME. */
    readonly env: Readonly<Record<string, string>>;
    /** Folders npm, python3 and make are looked for in, `:`-separated; the platform's PATH. */
    readonly toolPath: string;
  };
  /** Logs kept per function: two files of this size. */
  readonly logFileBytes: number;
  /** How often the scaler looks; default 2 s. */
  readonly scaleIntervalMs: number;
  /** What holds for functions whose labels do not say. */
  readonly scaling: ScalingDefaults;
  /** Where load is asked for that the platform does not count itself; default nowhere. */
  readonly prometheusUrl: string | undefined;
  /** Undefined: nothing is traced. */
  readonly tracing: TracingConfig | undefined;
  /** What of the environment could not be followed, and what comes of it; told when the platform starts. */
  readonly warnings: readonly string[];
  /** How long the keeper holds instances for a platform that died to come back; default 30 s. */
  readonly keeperOrphanMs: number;
}

/** Where spans go. */
export interface TracingConfig {
  /** The whole address, ending in `/v1/traces` unless a variable of OpenTelemetry says otherwise. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Share of new traces that are recorded, 0 to 1; default 1. */
  readonly ratio: number;
  /** Further attributes of the resource. */
  readonly attributes: Readonly<Record<string, string>>;
}
