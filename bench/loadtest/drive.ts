import { Agent, request } from 'node:http';

/** What came of the calls of a run. */
export interface Driven {
  readonly calls: number;
  /** Answers that were not 200, and calls without one. */
  readonly errors: number;
  readonly latenciesMs: readonly number[];
}

const paceMs = 50;

/**
 * Calls a URL at a rate that changes with time, whether or not earlier calls were answered. `rate`: calls per second at a
 * time, both from the start; resolves when the last is answered. `moment` is called about every half second.
 */
export async function drive(
  url: string,
  lengthMs: number,
  rate: (atMs: number) => number,
  moment: (atMs: number) => Promise<void>,
): Promise<Driven> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1_024 });
  const latenciesMs: number[] = [];
  const running = new Set<Promise<void>>();
  let [calls, errors, due] = [0, 0, 0];
  const startMs = performance.now();
  for (let atMs = 0, watchedMs = -500; atMs < lengthMs; atMs = performance.now() - startMs) {
    due += (rate(atMs) * paceMs) / 1_000;
    for (; due >= 1; due -= 1) {
      calls += 1;
      const call = timeCall(url, agent).then(
        (ms) => void latenciesMs.push(ms),
        () => void (errors += 1),
      );
      running.add(call);
      void call.finally(() => running.delete(call));
    }
    if (atMs - watchedMs >= 500) {
      watchedMs = atMs;
      await moment(atMs);
    }
    await new Promise((resolve) => setTimeout(resolve, paceMs));
  }
  await Promise.all(running);
  agent.destroy();
  return { calls, errors, latenciesMs };
}

function timeCall(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const call = request(url, { agent }, (response) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - begin);
        else reject(new Error(`${url} answered ${response.statusCode}`));
      });
    });
    call.on('error', reject);
    call.end();
  });
}
