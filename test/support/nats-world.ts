import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { TestPlatform } from './platform.ts';

/** Tells the receiver what it was called with, and lets the call last a moment. */
export const tell = (url: string): Record<string, string> => ({
  'handler.js': `module.exports = async (event) => {
  await fetch('${url}', { method: 'POST', body: event.headers['x-schedule-time'] ?? String(event.body) });
  await new Promise((done) => setTimeout(done, 20));
  return 'ok';
};
`,
});

/** Counts what it is told. */
export async function receiver(t: TestContext): Promise<{ url: string; got: Map<string, number> }> {
  const got = new Map<string, number>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      got.set(body, (got.get(body) ?? 0) + 1);
      response.end();
    });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, got };
}

/** Of a platform whose calls live in the NATS at that port. */
export const flagsFor = (port: number): string[] => ['--nats', `nats://127.0.0.1:${port}`, '--nats-lease', '3s'];

/** A stored call of the function `tell`. */
export function send(platform: TestPlatform, body: string, headers: Record<string, string> = {}): Promise<Response> {
  const signal = AbortSignal.timeout(30_000);
  return fetch(`${platform.url}/async-function/tell`, { method: 'POST', body, headers, signal });
}

/** While NATS is still there: without it a platform waits for it until its time to stop is over. */
export async function stop(...platforms: readonly TestPlatform[]): Promise<void> {
  await Promise.all(platforms.map((platform) => platform.stop()));
}

/** Bodies of those that were accepted; what became of the others nobody knows. */
export async function sendMany(platform: TestPlatform, bodies: readonly string[]): Promise<string[]> {
  const accepted: string[] = [];
  await Promise.allSettled(
    bodies.map(async (body) => {
      if ((await send(platform, body)).status === 202) accepted.push(body);
    }),
  );
  return accepted;
}

/** Bodies that tell calls apart. */
export const named = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

/** Of one fault, as many may run twice as the shared queue runs at once. */
const inFlight = 512;

/** Fails when one that was accepted did not run, or more ran twice than `faults` allow. */
export function account(
  t: TestContext,
  accepted: readonly string[],
  got: ReadonlyMap<string, number>,
  faults = 1,
): void {
  const lost = accepted.filter((body) => !got.has(body));
  const more = [...got.values()].filter((count) => count > 1).length;
  t.diagnostic(`${accepted.length} accepted, ${got.size} executed, ${more} more than once, ${lost.length} lost`);
  assert.deepEqual(lost, []);
  assert.ok(more <= faults * inFlight, `${more} ran more than once`);
}
