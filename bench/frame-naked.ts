/**
 * What the frames themselves cost: a bare node:http server against node:http → frame transport → Node runtime, hello,
 * 64 connections, alternating rounds in one run. No gateway, router, pool or sandbox is in the way. CPU time per request
 * is printed too: it stays comparable on a machine that is busy with other things.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { specialiseInstance } from '../src/frame/specialise.ts';
import { formatFunctionKey } from '../src/model/names.ts';
import { createFrameTransport } from '../src/router/transport/frame.ts';
import { ensureLoadGenerator, load } from './load.ts';

const connections = 64;
const seconds = Number(process.argv[3] ?? 4);
const rounds = Number(process.argv[4] ?? 3);
const handlers: Record<string, string> = {
  event: `module.exports = async (event, context) => 'hello\\n';`,
  fetch: `module.exports = { fetch: () => new Response('hello\\n') };`,
};

function bareServer(): void {
  const server = createServer((_, response) => {
    const body = Buffer.from('hello\n');
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length });
    response.end(body);
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

function frameServer(socketPath: string): void {
  const transport = createFrameTransport({ address: { socketPath, owner: process.geteuid?.() ?? 0 } });
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    const call = {
      id: `call-${count}`,
      function: formatFunctionKey('openfaas-fn', 'hello'),
      method: request.method ?? 'GET',
      target: request.url ?? '/',
      headers: request.rawHeaders,
      body: undefined,
      contentLength: undefined,
      source: 'http' as const,
      arrivedAtMs: performance.now(),
      upgrade: false,
    };
    transport.send(call, undefined).then(
      ({ reply }) => {
        if (reply.kind === 'upgraded') return;
        if (reply.kind === 'buffered') {
          response.writeHead(reply.status, [...reply.headers, 'content-length', String(reply.body.length)]);
          response.end(reply.body);
        } else {
          response.writeHead(reply.status, [...reply.headers]);
          reply.body.pipe(response);
        }
      },
      (error: Error) => response.writeHead(502).end(error.message),
    );
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

function start(...args: string[]): ChildProcess {
  const flags =
    process.env['CPU_PROF'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.env['CPU_PROF']}`];
  return spawn(process.execPath, [...flags, import.meta.filename, ...args], { stdio: ['ignore', 2, 2, 'ipc'] });
}

async function startRuntime(dir: string, shape: string): Promise<{ child: ChildProcess; socketPath: string }> {
  const socketPath = join(dir, `${shape}.sock`);
  const handler = join(dir, `${shape}.cjs`);
  writeFileSync(handler, handlers[shape] ?? '');
  const flags =
    process.env['CPU_PROF'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.env['CPU_PROF']}`];
  const main = join(import.meta.dirname, '../src/runtime/node/main.ts');
  const env = { ...process.env, TINDERBOX_SOCKET: socketPath };
  const child = spawn(process.execPath, [...flags, main], { env, stdio: ['ignore', 2, 2, 'pipe'] });
  await once(child.stdio[3] as NodeJS.ReadableStream, 'data');
  const ready = await specialiseInstance(
    { socketPath, owner: process.geteuid?.() ?? 0 },
    {
      instance: 'bench',
      name: 'hello',
      namespace: 'openfaas-fn',
      revision: 'hello-00001',
      artifact: dir,
      workdir: dir,
      handler,
      modulePaths: [],
      env: { PATH: '/usr/bin' },
      concurrency: 1000,
      timeoutMs: 60_000,
    },
  );
  if (!ready.ok) throw new Error(ready.reason);
  return { child, socketPath };
}

interface Round {
  readonly perSecond: number;
  /** CPU time per request of each process, in µs. */
  readonly cpuMicros: readonly number[];
}

async function measure(edge: ChildProcess, ...others: ChildProcess[]): Promise<() => Promise<Round>> {
  const [port] = (await once(edge, 'message')) as [number];
  return async () => {
    const before = [edge, ...others].map(cpuMicros);
    const result = await load(`http://127.0.0.1:${port}/`, connections, seconds);
    if (result.errors > 0) throw new Error(`${result.errors} errors`);
    const requests = result.requestsPerSecond * seconds;
    const used = [edge, ...others].map((child, index) => (cpuMicros(child) - (before[index] ?? 0)) / requests);
    return { perSecond: result.requestsPerSecond, cpuMicros: used };
  };
}

/** User and system time of a process so far; Linux counts it in hundredths of a second. */
function cpuMicros(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function formatRounds(name: string, rounds: readonly Round[], bare: readonly Round[]): string {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const rate = (of: readonly Round[]): number => mean(of.map(({ perSecond }) => perSecond));
  const cpu = (of: readonly Round[], process: number): number =>
    mean(of.map(({ cpuMicros }) => cpuMicros[process] ?? 0));
  const percent = Math.round((rate(rounds) / rate(bare)) * 100);
  const micros = [0, 1].map((process) => `${cpu(rounds, process).toFixed(1)} µs`);
  return `${name.padEnd(6)} ${Math.round(rate(rounds))} requests/s, ${percent} % of bare; CPU edge ${micros[0]}, runtime ${micros[1]}`;
}

async function main(): Promise<void> {
  ensureLoadGenerator();
  const dir = mkdtempSync(join(tmpdir(), 'tb-'));
  const children: ChildProcess[] = [];
  try {
    const bare = start('--bare');
    children.push(bare);
    const subjects: Record<string, () => Promise<Round>> = { bare: await measure(bare) };
    for (const shape of Object.keys(handlers)) {
      const runtime = await startRuntime(dir, shape);
      const edge = start('--frames', runtime.socketPath);
      children.push(runtime.child, edge);
      subjects[shape] = await measure(edge, runtime.child);
    }
    const results: Record<string, Round[]> = {};
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, run] of Object.entries(subjects)) {
        const result = await run();
        // The first round warms up.
        if (round > 0) (results[name] ??= []).push(result);
      }
    }
    for (const name of Object.keys(subjects))
      console.log(formatRounds(name, results[name] ?? [], results['bare'] ?? []));
  } finally {
    for (const child of children) child.kill(process.env['CPU_PROF'] === undefined ? 'SIGKILL' : 'SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  }
}

if (process.argv[2] === '--bare') bareServer();
else if (process.argv[2] === '--frames') frameServer(process.argv[3] ?? '');
else await main();
if (process.argv[2]?.startsWith('--') === true) process.on('SIGTERM', () => process.exit(0));
