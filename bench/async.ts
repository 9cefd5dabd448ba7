// Stored calls: `node bench/async.ts [FILE]`. How many are accepted per second, each on disk before its 202, how many are
// executed per second, end to end, and what a backlog costs.
import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startPlatform, type TestPlatform } from '../test/support/platform.ts';
import { deployAll, nodeHello } from './functions.ts';
import { ensureLoadGenerator } from './load.ts';
import { platformMemory } from './memory.ts';
import { type Figure, formatJson, formatTable, holds } from './report.ts';

const connections = 64;
const seconds = 5;
const backlog = Number(process.env['BENCH_BACKLOG'] ?? 1_000_000);

/** POSTs as fast as it can; `delay` puts the calls off, so that they are only stored. Returns 202 answers per second. */
async function accept(platform: TestPlatform, lastSeconds: number, delay: string): Promise<number> {
  const script = join(platform.stateDir, '..', 'post.lua');
  const header = delay === '' ? '' : `wrk.headers["X-Delay"] = "${delay}"\n`;
  await writeFile(script, `wrk.method = "POST"\nwrk.body = "hello"\n${header}`);
  const url = `${platform.url}/async-function/hello`;
  const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${lastSeconds}s`, '-s', script, url]);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  if (/Non-2xx/.test(text)) throw new Error(`some calls were refused:\n${text}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
}

async function invocations(platform: TestPlatform): Promise<number> {
  const list = (await (await platform.fetch('/system/functions')).json()) as { invocationCount: number }[];
  return list[0]?.invocationCount ?? 0;
}

/** Executed per second while calls arrive as fast as they are accepted, and after that until all are done. */
async function execute(platform: TestPlatform): Promise<number> {
  const before = await invocations(platform);
  const begin = performance.now();
  const accepted = Math.round((await accept(platform, seconds, '')) * seconds);
  while ((await invocations(platform)) - before < accepted * 0.999) await new Promise((done) => setTimeout(done, 50));
  return accepted / ((performance.now() - begin) / 1000);
}

ensureLoadGenerator();
const platform = await startPlatform(['--queue-jobs', '10000000', '--queue-bytes', '10Gi']);
const figures: Figure[] = [];
try {
  await deployAll(platform, nodeHello, ['hello']);
  await accept(platform, 1, '1h');
  const quiet = await accept(platform, seconds, '1h');
  figures.push({ measure: 'stored calls accepted', value: quiet, unit: 'requests/s', atLeast: 5000 });
  figures.push({ measure: 'stored calls executed', value: await execute(platform), unit: 'requests/s', atLeast: 3000 });
  let stored = quiet * (seconds + 1);
  while (stored < backlog) stored += (await accept(platform, 20, '1h')) * 20;
  const crowded = await accept(platform, seconds, '1h');
  const worse = `stored calls accepted beside ${Math.round(stored)} others`;
  figures.push({ measure: worse, value: (100 * crowded) / quiet, unit: '% of without', atLeast: 80 });
  const main = platformMemory(platform.pid, platform.runDir).find(({ pid }) => pid === platform.pid);
  figures.push({
    measure: 'main process with that backlog, RSS',
    value: main?.rssMiB ?? Number.NaN,
    unit: 'MiB',
    atMost: 250,
  });
} finally {
  await platform.dispose();
}
console.log(formatTable(figures));
console.log(formatJson(figures));
const [jsonFile] = process.argv.slice(2);
if (jsonFile !== undefined) writeFileSync(jsonFile, `${formatJson(figures)}\n`);
process.exitCode = figures.every(holds) ? 0 : 1;
