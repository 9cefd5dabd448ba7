// The data plane alone: a bare node:http server against gateway + router + transport in front of one instance. Prints
// requests/s and ratios of one run as a table, or as JSON with --json. Needs wrk.
//   node bench/gateway-naked.ts [--seconds 5] [--connections 64] [--json]
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { specialiseInstance } from '../src/frame/specialise.ts';
import { createGateway } from '../src/gateway/create-gateway.ts';
import type { InstanceAddress } from '../src/model/instance.ts';
import { formatFunctionKey, formatRevisionId } from '../src/model/names.ts';
import { resolveSettings } from '../src/model/settings.ts';
import { createRouter } from '../src/router/create-router.ts';

const { values } = parseArgs({
  options: {
    role: { type: 'string', default: 'main' },
    address: { type: 'string', default: '' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
  },
});

if (values.role === 'bare') await serveBare();
else if (values.role === 'gateway') await serveGateway(JSON.parse(values.address) as InstanceAddress);
else await main();

async function serveBare(): Promise<void> {
  process.once('SIGTERM', () => process.exit());
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 5 });
    response.end('hello');
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : 0);
}

async function serveGateway(address: InstanceAddress): Promise<void> {
  // So that `--cpu-prof` in BENCH_NODE_FLAGS gets to write what it saw.
  process.once('SIGTERM', () => process.exit());
  const router = createRouter({
    hooks: {
      wake: () => Promise.resolve(),
      retire: (id, reason) => console.error(`retired ${id}: ${reason}`),
      ownsAddress: () => Promise.resolve(true),
    },
    budget: { waitingCalls: 10_000, bufferedBytes: 256 * 2 ** 20 },
  });
  const spec = { namespace: 'openfaas-fn', name: 'hello', image: 'hello', secrets: [], labels: {}, annotations: {} };
  const revision = formatRevisionId('openfaas-fn', 'hello', 1);
  const key = formatFunctionKey('openfaas-fn', 'hello');
  router.setRoute({ key, revision, settings: resolveSettings({ ...spec, envVars: { max_inflight: '2000' } }) });
  router.instanceChanged({
    instance: {
      id: 'one',
      revision,
      state: 'ready',
      address,
      concurrency: 2000,
      startedAtMs: 0,
      pooled: false,
      protections: {
        cgroup: 'none',
        noNewPrivileges: false,
        mountNamespace: false,
        pidNamespace: false,
        network: 'host',
        memoryLimit: 'none',
        missing: [],
      },
    },
  });
  const gateway = createGateway({
    config: {
      host: '127.0.0.1',
      port: 0,
      limits: { bodyBytes: 2 ** 28, headerBytes: 32 * 1024, headersTimeoutMs: 15_000, stallTimeoutMs: 60_000 },
    },
    version: 'bench',
    invoke: router.invoke,
    routeExists: (asked) => router.route(asked) !== undefined,
    async: { accept: () => Promise.resolve(false), cancel: () => Promise.resolve(false), bodyBytes: 0 },
    control: (_request, response) => void response.writeHead(404).end(),
    auth: { check: () => false },
  });
  console.log((await gateway.listen()).port);
}

interface Row {
  readonly what: string;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of the server under test alone. */
  readonly cpuUsPerRequest: number;
  readonly ratio: number;
}

async function main(): Promise<void> {
  const children: ChildProcess[] = [];
  const dir = mkdtempSync(join(tmpdir(), 'tb-bench-'));
  try {
    const bare = await startRole(children, 'bare');
    const rows: Row[] = [];
    const measure = (what: string, url: string): void => {
      // The server under test is always the child started last.
      const pid = children.at(-1)?.pid ?? 0;
      const before = cpuUs(pid);
      const { requests, ...result } = wrk(url);
      const cpuUsPerRequest = Math.round(((cpuUs(pid) - before) / requests) * 10) / 10;
      const base = rows[0]?.requestsPerSecond ?? result.requestsPerSecond;
      rows.push({
        what,
        ...result,
        cpuUsPerRequest,
        ratio: Math.round((result.requestsPerSecond / base) * 1000) / 1000,
      });
    };
    const warm = (url: string): void => void execFileSync('wrk', ['-t1', `-c${values.connections}`, '-d2s', url]);
    warm(`http://127.0.0.1:${bare}/`);
    measure('bare node:http', `http://127.0.0.1:${bare}/`);
    const viaHttp = await startRole(children, 'gateway', { kind: 'http', host: '127.0.0.1', port: bare });
    warm(`http://127.0.0.1:${viaHttp}/function/hello`);
    measure('gateway + router + http', `http://127.0.0.1:${viaHttp}/function/hello`);
    const socketPath = await startNodeRuntime(children, dir);
    if (socketPath !== undefined) {
      const viaFrame = await startRole(children, 'gateway', {
        kind: 'frame',
        socketPath,
        owner: process.geteuid?.() ?? 0,
      });
      warm(`http://127.0.0.1:${viaFrame}/function/hello`);
      measure('gateway + router + frame', `http://127.0.0.1:${viaFrame}/function/hello`);
    }
    if (values.json) console.log(JSON.stringify(rows));
    else console.table(rows);
  } finally {
    for (const child of children) child.kill();
    await Promise.all(children.filter((child) => child.exitCode === null).map((child) => once(child, 'exit')));
    rmSync(dir, { recursive: true, force: true });
  }
}

async function startRole(children: ChildProcess[], role: string, address?: InstanceAddress): Promise<number> {
  const flags = address === undefined ? [] : ['--address', JSON.stringify(address)];
  const nodeFlags = (process.env['BENCH_NODE_FLAGS'] ?? '')
    .split(' ')
    .filter((flag) => role === 'gateway' && flag !== '');
  const child = spawn(process.execPath, [...nodeFlags, import.meta.filename, '--role', role, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return Number(line.toString());
}

/** The Node shim as the process engine starts it, without sandbox; undefined while there is none. */
async function startNodeRuntime(children: ChildProcess[], dir: string): Promise<string | undefined> {
  const shim = join(import.meta.dirname, '../src/runtime/node/main.ts');
  if (!existsSync(shim)) return undefined;
  const socketPath = join(dir, 's');
  writeFileSync(
    join(dir, 'handler.js'),
    "module.exports = async (event, context) => context.status(200).succeed('hello');\n",
  );
  const child = spawn(process.execPath, [shim], {
    env: { ...process.env, TINDERBOX_SOCKET: socketPath },
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  children.push(child);
  await once(child.stdio[3] as NodeJS.ReadableStream, 'data');
  const ready = await specialiseInstance(
    { socketPath, owner: process.geteuid?.() ?? 0 },
    {
      instance: 'one',
      name: 'hello',
      namespace: 'openfaas-fn',
      revision: 'openfaas-fn/hello-00001',
      artifact: dir,
      workdir: dir,
      handler: join(dir, 'handler.js'),
      modulePaths: [],
      env: { PATH: '/usr/bin:/bin', HOME: dir, TMPDIR: dir },
      concurrency: 2000,
      timeoutMs: 60_000,
    },
  );
  if (!ready.ok) console.error(ready.reason);
  return socketPath;
}

/** User and system time of a process so far; a figure other programs on the machine hardly touch. */
function cpuUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function wrk(url: string): { requests: number; requestsPerSecond: number; p50Us: number; p99Us: number } {
  const base = ['-t1', `-c${values.connections}`, '--latency'];
  const out = execFileSync('wrk', [...base, `-d${values.seconds}s`, url], { encoding: 'utf8' });
  if (/Non-2xx|Socket errors/.test(out)) console.error(out);
  return {
    requests: Number(/(\d+) requests in/.exec(out)?.[1] ?? 1),
    requestsPerSecond: Math.round(Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1] ?? 0)),
    p50Us: microseconds(/50%\s+([\d.]+)(us|ms|s)/.exec(out)),
    p99Us: microseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(out)),
  };
}

function microseconds(match: RegExpExecArray | null): number {
  const unit: Record<string, number> = { us: 1, ms: 1000, s: 1e6 };
  return Math.round(Number(match?.[1] ?? 0) * (unit[match?.[2] ?? 'us'] ?? 1));
}
