import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';

/** What one round of load gave. */
export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly errors: number;
}

/** Drives a URL with `wrk` for some seconds. Throws when wrk is not installed. */
export async function load(url: string, connections: number, seconds: number): Promise<LoadResult> {
  const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', url]);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`wrk ended with ${code}: ${text}`);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  const socket = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const socketErrors = socket === null ? 0 : socket.slice(1).reduce((sum, part) => sum + Number(part), 0);
  return { requestsPerSecond: rate, errors: bad + socketErrors };
}

/** Whether the load generator is there; installs it where apt and root are. */
export function ensureLoadGenerator(): void {
  if (spawnSync('wrk', ['-v']).error === undefined) return;
  if (process.getuid?.() === 0) spawnSync('apt-get', ['install', '-y', '-qq', 'wrk'], { stdio: 'ignore' });
  if (spawnSync('wrk', ['-v']).error !== undefined)
    throw new Error('bench needs wrk: install it (Debian: apt-get install wrk)');
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** One GET over a kept connection; resolves with its time from request to last byte, in ms. Rejects unless 200. */
export function timeCall(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const call = request(url, { agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - begin);
        else reject(new Error(`${url} answered ${response.statusCode}: ${text}`));
      });
    });
    call.on('error', reject);
    call.end();
  });
}

export function closeAgent(): void {
  agent.destroy();
}

/** The value below which this share of the samples lies. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
