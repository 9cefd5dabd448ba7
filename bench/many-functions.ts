import type { TestPlatform } from '../test/support/platform.ts';
import { percentile } from './load.ts';
import type { Figure } from './report.ts';

/** Deploys sleeping functions of one image through the API, eight at a time. */
export async function deployMany(platform: TestPlatform, image: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `many-${i}`);
  const queue = [...names];
  const worker = async (): Promise<void> => {
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      const body = JSON.stringify({ service: name, image });
      const answer = await platform.fetch('/system/functions', { method: 'POST', body });
      if (answer.status !== 202) throw new Error(`deploy of ${name}: ${answer.status} ${await answer.text()}`);
      await answer.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return names;
}

export async function measureList(platform: TestPlatform): Promise<Figure> {
  const times: number[] = [];
  for (let i = 0; i < 10; i += 1) {
    const begin = performance.now();
    await (await platform.fetch('/system/functions')).arrayBuffer();
    times.push(performance.now() - begin);
  }
  return { measure: '1,000 functions: list, median', value: percentile(times, 0.5), unit: 'ms', atMost: 100 };
}
