import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { deployFiles } from './deploy.ts';
import type { TestPlatform } from './platform.ts';
import { until } from './until.ts';

/** A warm call takes a few milliseconds; this leaves room for a machine that does other things too. */
const normalMs = 500;

/** Deploys a function that has nothing to do with anything; it never sleeps. */
export async function deployBystander(platform: TestPlatform): Promise<void> {
  const files = { 'handler.js': 'module.exports = async (event) => `bystander ${event.body}`;\n' };
  await deployFiles(platform, 'bystander', files, {
    spec: { labels: { 'com.openfaas.scale.min': '1', 'com.openfaas.scale.zero': 'false' } },
  });
}

/** The bystander answers in normal time, no call is counted as under way, and no upload is left in the run folder. */
export async function assertNothingNoticed(platform: TestPlatform): Promise<void> {
  await assertBystanderAnswers(platform);
  await until('no call is under way', async () => (await callsUnderWay(platform)).every(([, count]) => count === 0));
  await until('no upload is left behind', () => uploadsLeft(platform).length === 0);
}

/**
 * Every call of it is answered, and one of five in normal time: the machine may be slow for reasons of its own, a
 * platform that is held up is slow for all. `withinMs`: more where the test's own process is busy.
 */
export async function assertBystanderAnswers(platform: TestPlatform, withinMs = normalMs): Promise<void> {
  const tookMs: number[] = [];
  do {
    const startedMs = performance.now();
    const answer = await fetch(`${platform.url}/function/bystander`, { method: 'POST', body: 'here' });
    assert.equal(await answer.text(), 'bystander here');
    tookMs.push(Math.round(performance.now() - startedMs));
    if ((tookMs.at(-1) ?? 0) < withinMs) return;
  } while (tookMs.length < 5);
  assert.fail(`the bystander took ${tookMs.join(', ')} ms`);
}

/** Functions with their calls under way, as the metrics tell. */
export async function callsUnderWay(platform: TestPlatform): Promise<[name: string, count: number][]> {
  const text = await (await fetch(`${platform.metricsUrl}/metrics`)).text();
  const lines = text.matchAll(/^gateway_function_invocation_inflight\{function_name="([^"]+)"\} (\S+)$/gm);
  const found = [...lines].map(([, name = '', count]): [string, number] => [name, Number(count)]);
  assert.ok(found.length > 0, 'no function is in the metrics');
  return found;
}

/** Entries of the folders in which uploads and builds lie while they are worked on. */
export function uploadsLeft(platform: TestPlatform): string[] {
  const found = [...list(join(platform.runDir, 'sources')), ...list(join(platform.runDir, 'artifacts'))];
  return found.filter((name) => !/^[0-9a-f]{64}$/.test(name));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
