import { spawnSync } from 'node:child_process';
import { until } from '../test/support/until.ts';
import type { TestPlatform } from '../test/support/platform.ts';
import { percentile, timeCall } from './load.ts';
import type { Figure } from './report.ts';

/** Puts a function to sleep by hand and waits until it has no instance. */
async function sleepNow(platform: TestPlatform, name: string): Promise<void> {
  await platform.fetch(`/system/scale-function/${name}`, {
    method: 'POST',
    body: JSON.stringify({ serviceName: name, replicas: 0 }),
  });
  await until(`${name} sleeps`, async () => {
    const instances = (await (await platform.fetch(`/system/instances?function=${name}`)).json()) as {
      state: string;
    }[];
    return instances.every((instance) => instance.state === 'stopped' || instance.state === 'failed');
  });
}

/** Calls a sleeping function again and again; the pool has time to fill between two calls, as it has in life. */
export async function measureColdStarts(
  platform: TestPlatform,
  names: Readonly<Record<string, string>>,
  rounds: number,
): Promise<Record<string, number[]>> {
  const samples: Record<string, number[]> = {};
  for (const [label, name] of Object.entries(names)) {
    const times: number[] = [];
    for (let i = 0; i < rounds; i += 1) {
      await sleepNow(platform, name);
      await settle();
      times.push(await timeCall(`${platform.url}/function/${name}`));
    }
    samples[label] = times;
  }
  return samples;
}

/** Time in which a used warm process is replaced. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 400));
}

export function pooledFigures(samples: Record<string, number[]>): Figure[] {
  return Object.entries(samples).flatMap(([label, times]) => [
    { measure: `cold start, warm pool, ${label}, p50`, value: percentile(times, 0.5), unit: 'ms' as const, atMost: 10 },
    {
      measure: `cold start, warm pool, ${label}, p99`,
      value: percentile(times, 0.99),
      unit: 'ms' as const,
      atMost: 40,
    },
  ]);
}

/** All at once, each asleep before. */
export async function measureBurst(platform: TestPlatform, names: readonly string[]): Promise<Figure[]> {
  for (const name of names) await sleepNow(platform, name);
  const results = await Promise.allSettled(names.map((name) => timeCall(`${platform.url}/function/${name}`)));
  const errors = results.filter((result) => result.status === 'rejected').length;
  return [{ measure: `burst of ${names.length} cold functions`, value: errors, unit: 'errors', atMost: 0 }];
}

/** Time of one start of the bare interpreter with an empty script, in ms. */
export function bareStartMs(file: string, args: readonly string[]): number {
  const begin = performance.now();
  spawnSync(file, args, { stdio: 'ignore' });
  return performance.now() - begin;
}
