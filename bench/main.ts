// `npm run bench`: speed and size of the real platform, every guarantee and protection on, as ratios of one run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPlatform, type TestPlatform } from '../test/support/platform.ts';
import { until } from '../test/support/until.ts';
import { bareStartMs, measureBurst, measureColdStarts, pooledFigures } from './cold-start.ts';
import { deployAll, execHttpHello, nodeHello, nodeSyncHello, pythonHello } from './functions.ts';
import { closeAgent, ensureLoadGenerator, percentile } from './load.ts';
import { deployMany, measureList } from './many-functions.ts';
import { platformMemory } from './memory.ts';
import { type Figure, formatJson, formatTable, holds } from './report.ts';
import { measureSchedules } from './schedules.ts';
import { measureStoredCalls } from './stored-calls.ts';
import { measureThroughput } from './throughput.ts';

const note = (text: string): void => console.error(`bench: ${text}`);

async function withBareServer<T>(use: (url: string) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  try {
    return await use(`http://127.0.0.1:${port.toString().trim()}/`);
  } finally {
    child.kill();
  }
}

async function measureSpeed(platform: TestPlatform): Promise<Figure[]> {
  note('deploying');
  await deployAll(platform, nodeHello, ['hello']);
  await deployAll(platform, execHttpHello, ['hello-http']);
  await deployAll(platform, pythonHello, ['hello-py']);
  const cold = Array.from({ length: 20 }, (_, i) => `cold-${i}`);
  await deployAll(platform, nodeHello, cold.slice(0, 10));
  await deployAll(platform, pythonHello, cold.slice(10));
  const at = (name: string): string => `${platform.url}/function/${name}`;
  return await withBareServer(async (bare) => {
    note('latency and throughput');
    const calls = await measureThroughput(bare, at('hello'), at('hello-http'));
    note('cold starts');
    const pooled = pooledFigures(await measureColdStarts(platform, { Node: 'hello', Python: 'hello-py' }, 100));
    const burst = await measureBurst(platform, cold);
    return [...calls, ...pooled, ...burst];
  });
}

/** Within this time an idle platform has given back what the load left: it looks every 5 s, and V8 frees pages after 8 s. */
const restMs = 40_000;

async function measureMemory(platform: TestPlatform): Promise<Figure[]> {
  for (const name of ['hello', 'hello-http', 'hello-py', ...Array.from({ length: 20 }, (_, i) => `cold-${i}`)]) {
    await platform.fetch(`/system/scale-function/${name}`, {
      method: 'POST',
      body: JSON.stringify({ serviceName: name, replicas: 0 }),
    });
  }
  await until('all functions sleep', async () => {
    const instances = (await (await platform.fetch('/system/instances')).json()) as { state: string }[];
    return instances.every((instance) => instance.state === 'stopped' || instance.state === 'failed');
  });
  note('resting');
  await new Promise((resolve) => setTimeout(resolve, restMs));
  const processes = platformMemory(platform.pid, platform.runDir);
  for (const one of processes)
    note(`${one.rssMiB.toFixed(0)} MiB RSS, ${one.pssMiB.toFixed(0)} MiB PSS: ${one.pid} ${one.command}`);
  const main = processes.find((one) => one.pid === platform.pid);
  return [
    { measure: 'main process after the bench, RSS', value: main?.rssMiB ?? Number.NaN, unit: 'MiB', atMost: 140 },
    {
      measure: 'all processes with keeper and pool, PSS',
      value: processes.reduce((sum, one) => sum + one.pssMiB, 0),
      unit: 'MiB',
      atMost: 220,
    },
  ];
}

/** A platform whose pool is empty: each start begins with the interpreter. */
async function measureUnpooled(): Promise<Figure[]> {
  const platform = await startPlatform(['--pool-node', '0', '--pool-python', '0']);
  try {
    await deployAll(platform, nodeSyncHello, ['hello']);
    await deployAll(platform, pythonHello, ['hello-py']);
    const bare: Record<string, number[]> = { node: [], python: [] };
    const samples: Record<string, number[]> = { node: [], python: [] };
    // In turn, so that all meet the same machine.
    for (let round = 0; round < 20; round += 1) {
      bare['node']?.push(bareStartMs(process.execPath, ['-e', '0']));
      bare['python']?.push(bareStartMs('/usr/bin/python3', ['-c', '']));
      const one = await measureColdStarts(platform, { node: 'hello', python: 'hello-py' }, 1);
      for (const label of ['node', 'python']) samples[label]?.push(...(one[label] ?? []));
    }
    const times = (label: string): number => percentile(samples[label] ?? [], 0.5) / percentile(bare[label] ?? [], 0.5);
    return [
      { measure: 'cold start without pool, Node', value: times('node'), unit: '× bare start', atMost: 2.5 },
      {
        measure: 'cold start without pool, Python',
        value: times('python'),
        unit: '× bare start',
        atMost: 3.5,
      },
    ];
  } finally {
    await platform.dispose();
  }
}

async function measureMany(): Promise<Figure[]> {
  const platform = await startPlatform();
  let current = platform;
  try {
    await deployAll(platform, nodeHello, ['seed']);
    await deployMany(platform, 'seed:1', 1000);
    const list = await measureList(platform);
    await platform.stop();
    const begin = performance.now();
    current = await platform.restart();
    const seconds = (performance.now() - begin) / 1000;
    return [list, { measure: '1,000 functions: start of the platform', value: seconds, unit: 's', atMost: 3 }];
  } finally {
    await current.dispose();
  }
}

ensureLoadGenerator();
note('filling the compile cache, as every start but the first finds it');
await (await startPlatform()).dispose();
const platform = await startPlatform();
const figures: Figure[] = [];
try {
  figures.push(...(await measureSpeed(platform)), ...(await measureMemory(platform)));
} finally {
  await platform.dispose();
}
note('starts without pool');
figures.push(...(await measureUnpooled()));
note('1,000 functions');
figures.push(...(await measureMany()));
figures.push(...(await measureStoredCalls(1_000_000, note)));
note('schedules');
figures.push(...(await measureSchedules()));
closeAgent();
console.log(formatTable(figures));
console.log(formatJson(figures));
const jsonFile = process.argv[2];
if (jsonFile !== undefined) writeFileSync(jsonFile, `${formatJson(figures)}\n`);
process.exitCode = figures.every(holds) ? 0 : 1;
