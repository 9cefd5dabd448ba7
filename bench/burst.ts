// A thousand calls at once of a handler that only computes, against the same work in one process; see docs/scaling.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ScalingReport } from '../src/model/scaling-report.ts';
import { buildImage } from '../test/support/deploy.ts';
import { startPlatform, type TestPlatform } from '../test/support/platform.ts';
import { until } from '../test/support/until.ts';
import { percentile } from './load.ts';

const { values } = parseArgs({
  options: { calls: { type: 'string', default: '1000' }, paths: { type: 'string', default: '2000' } },
});
const calls = Number(values.calls);
const paths = Number(values.paths);
const steps = 64;

/**
 * The price of an Asian call option (strike 100, spot 100, rate 2 %, volatility 30 %, one year), by the mean of discounted
 * payoffs over random paths; the seed makes the answer of a call checkable.
 */
const handler = `'use strict';
function price(seed, paths, steps) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const [rate, volatility, dt] = [0.02, 0.3, 1 / steps];
  let payoffs = 0;
  for (let path = 0; path < paths; path += 1) {
    let [spot, sum] = [100, 0];
    for (let step = 0; step < steps; step += 1) {
      const normal = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
      spot *= Math.exp((rate - volatility * volatility / 2) * dt + volatility * Math.sqrt(dt) * normal);
      sum += spot;
    }
    payoffs += Math.max(0, sum / steps - 100);
  }
  return (Math.exp(-rate) * payoffs) / paths;
}
module.exports = async (event, context) => {
  const { seed, paths, steps } = event.query;
  return context.succeed(String(price(Number(seed), Number(paths), Number(steps))));
};
module.exports.price = price;
`;

interface Burst {
  readonly elapsedMs: number;
  readonly latenciesMs: readonly number[];
  readonly errors: number;
  readonly most: number;
}

const expected = await inOneProcess();
const bareMs = expected.elapsedMs;
const row = (name: string, ms: number, more: string): void =>
  console.log(`| ${name} | ${(ms / 1_000).toFixed(2)} s | ${(bareMs / ms).toFixed(2)} × | ${more} |`);
console.log(
  `${calls} calls of ${paths} paths of ${steps} steps, ${availableParallelism()} cores, load average ${loadavg()[0]?.toFixed(1)} at the start\n`,
);
console.log('| | time for all | of one process | p50, p99, most instances, errors |\n|---|---|---|---|');
row('one process, one after another', bareMs, '');
const platform = await startPlatform();
let failed = false;
try {
  await buildImage(platform, 'price:1', { 'handler.js': handler });
  const kinds: readonly (readonly [string, Record<string, string>, Record<string, string>])[] = [
    ['as it is (100 calls at once each)', {}, {}],
    ['one call at once (max_inflight 1)', {}, { max_inflight: '1' }],
    ['bound to the cores', { 'com.tinderbox.cpu-bound': 'true' }, {}],
  ];
  for (const [at, [name, annotations, envVars]] of kinds.entries()) {
    await deploy(platform, `price${at}`, annotations, envVars);
    const { elapsedMs, latenciesMs, errors, most } = await burst(platform, `price${at}`);
    const [p50 = 0, p99 = 0] = [0.5, 0.99].map((share) => percentile(latenciesMs, share) / 1_000);
    row(name, elapsedMs, `${p50.toFixed(2)} s, ${p99.toFixed(2)} s, ${most}, ${errors}`);
    // A handler that computes and takes a hundred calls at once lets most of them reach their deadline.
    failed ||= errors > 0 && at > 0;
    await platform.fetch('/system/functions', {
      method: 'DELETE',
      body: JSON.stringify({ functionName: `price${at}` }),
    });
  }
} finally {
  await platform.dispose();
}
process.exitCode = failed ? 1 : 0;

/** The handler's own code, called in a loop by a Node of its own. */
async function inOneProcess(): Promise<{ readonly elapsedMs: number; readonly prices: readonly string[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'tb-burst-'));
  try {
    writeFileSync(join(dir, 'handler.cjs'), handler);
    const program = `const { price } = require('./handler.cjs');
      const prices = [];
      const begin = performance.now();
      for (let seed = 0; seed < ${calls}; seed += 1) prices.push(String(price(seed, ${paths}, ${steps})));
      console.log(JSON.stringify({ elapsedMs: performance.now() - begin, prices }));`;
    const child = spawn(process.execPath, ['-e', program], { cwd: dir, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(child, 'close');
    return JSON.parse(text) as { elapsedMs: number; prices: string[] };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function deploy(
  on: TestPlatform,
  service: string,
  annotations: Record<string, string>,
  envVars: Record<string, string>,
): Promise<void> {
  const body = JSON.stringify({ service, image: 'price:1', annotations, envVars });
  const answer = await on.fetch('/system/functions', { method: 'POST', body });
  if (answer.status !== 202) throw new Error(await answer.text());
  await until(`${service} is ready`, async () => (await report(on, service)).ready > 0, 60_000);
}

async function burst(on: TestPlatform, name: string): Promise<Burst> {
  const agent = new Agent({ keepAlive: true, maxSockets: calls });
  const latenciesMs: number[] = [];
  let [errors, most] = [0, 0];
  const watch = setInterval(() => void report(on, name).then(({ ready }) => (most = Math.max(most, ready))), 500);
  const begin = performance.now();
  const each = Array.from({ length: calls }, async (_, seed) => {
    const text = await get(`${on.url}/function/${name}?seed=${seed}&paths=${paths}&steps=${steps}`, agent);
    if (text === expected.prices[seed]) latenciesMs.push(performance.now() - begin);
    else errors += 1;
  });
  await Promise.all(each);
  const elapsedMs = performance.now() - begin;
  clearInterval(watch);
  agent.destroy();
  return { elapsedMs, latenciesMs, errors, most };
}

/** The answer's text; that of an error is none of the prices. */
function get(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const call = request(url, { agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
    });
    call.on('error', (error) => resolve(error.message));
    call.end();
  });
}

async function report(on: TestPlatform, name: string): Promise<ScalingReport> {
  return (await (await on.fetch(`/system/function/${name}/scaling`)).json()) as ScalingReport;
}
