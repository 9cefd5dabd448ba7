import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { InvocationStatus } from '../../src/model/invocation-status.ts';
import { deployFiles } from './deploy.ts';
import type { TestPlatform } from './platform.ts';
import { until } from './until.ts';

/** How long all calls of a round may take; it says that something hangs, not that it is slow. */
const patienceMs = 120_000;

/** Calls of the function that run at once: so many may run twice after one fault. */
export const atOnce = 8;

/** Flags of a platform whose calls a ledger follows. */
export const ledgerFlags: readonly string[] = ['--queue-dedicated', `faults=${atOnce}`];

/** What became of the calls of a round, or of all. */
interface Sums {
  sent: number;
  accepted: number;
  refused: number;
  executed: number;
  duplicated: number;
  deadLettered: number;
  lost: number;
}

/**
 * Sends stored calls of one function and follows each by its id: whether it was accepted, how often it ran (the function
 * tells on loopback when it begins), and what its record says in the end.
 */
export class CallLedger {
  readonly total: Sums = { sent: 0, accepted: 0, refused: 0, executed: 0, duplicated: 0, deadLettered: 0, lost: 0 };
  readonly #url: string;
  readonly #runs = new Map<string, number>();
  readonly #faults: string;
  #accepted = new Set<string>();
  #sent = 0;
  #refused = 0;
  #round = 0;
  #rounds = 0;

  private constructor(url: string, runs: Map<string, number>, faults: string) {
    this.#url = url;
    this.#runs = runs;
    this.#faults = faults;
  }

  /** `what` is the fault, for the summary, which is printed at the end. */
  static async open(t: TestContext, what: string): Promise<CallLedger> {
    const runs = new Map<string, number>();
    const server = createServer((request, response) => {
      const id = (request.url ?? '').slice(1);
      runs.set(id, (runs.get(id) ?? 0) + 1);
      response.end();
    });
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
    const ledger = new CallLedger(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, runs, what);
    t.after(() => {
      server.close();
      server.closeAllConnections();
      t.diagnostic(ledger.summary());
    });
    return ledger;
  }

  /** A function that tells when it begins, and answers after `ms`. */
  async deploy(platform: TestPlatform, name: string, ms: number, spec: object = {}): Promise<void> {
    const handler = `module.exports = async (event) => {
  await fetch('${this.#url}' + event.headers['x-call-id']);
  await new Promise((done) => setTimeout(done, ${ms}));
  return 'done';
};
`;
    const annotations = {
      'com.openfaas.queue': 'faults',
      'com.openfaas.retry.attempts': '50',
      'com.openfaas.retry.min_wait': '50ms',
      'com.openfaas.retry.max_wait': '200ms',
    };
    const labels = { 'com.openfaas.scale.min': '1', 'com.openfaas.scale.zero': 'false' };
    await deployFiles(platform, name, { 'handler.js': handler }, { spec: { annotations, labels, ...spec } });
  }

  /** Sends calls, all at once; resolves when each was accepted, refused, or cut off. `allowed` are statuses of refusals. */
  async send(
    platform: TestPlatform,
    name: string,
    count: number,
    { body = 'x', headers = {}, allowed = [] }: SendOptions = {},
  ): Promise<void> {
    const one = async (id: string): Promise<void> => {
      this.#sent += 1;
      const init = { method: 'POST', body, headers: { ...headers, 'x-call-id': id } };
      const answer = await fetch(`${platform.url}/async-function/${name}`, init).catch(() => undefined);
      if (answer === undefined) return;
      const text = await answer.text().catch(() => '');
      if (answer.status === 202) this.#accepted.add(id);
      else this.#refused += 1;
      assert.ok(answer.status === 202 || allowed.includes(answer.status), `${answer.status}: ${text}`);
    };
    const first = this.#sent;
    await Promise.all(Array.from({ length: count }, (_, i) => one(`r${this.#round}-${first + i}`)));
  }

  /** Calls that were accepted in this round. */
  get accepted(): number {
    return this.#accepted.size;
  }

  /** Calls of this round that were refused. */
  get refused(): number {
    return this.#refused;
  }

  /** Calls of this round that began at least once. */
  get begun(): number {
    const prefix = `r${this.#round}-`;
    return [...this.#runs.keys()].filter((id) => id.startsWith(prefix)).length;
  }

  /** Runs beyond the first of the calls of this round. */
  get again(): number {
    const prefix = `r${this.#round}-`;
    const counts = [...this.#runs].filter(([id]) => id.startsWith(prefix)).map(([, count]) => count - 1);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * Waits until nothing is stored any more, and holds the round to its word: each call that was accepted ran at least once
   * or is a dead letter, has one record, and no more ran twice than may.
   */
  async close(platform: TestPlatform, mostTwice = atOnce): Promise<void> {
    await until(
      'nothing to be stored',
      async () => (await read<unknown[]>(platform, '/system/queue')).length === 0,
      patienceMs,
    );
    const records = await this.#records(platform);
    const dead = new Set(records.filter(({ state }) => state === 'dead').map(({ id }) => id));
    const known = new Set(records.map(({ id }) => id));
    assert.equal(known.size, records.length, 'a call has two records');
    const lost = [...this.#accepted].filter((id) => !known.has(id) || !(this.#runs.has(id) || dead.has(id)));
    const sums = { accepted: this.#accepted.size, executed: this.begun, deadLettered: dead.size, lost: lost.length };
    this.#add({ ...sums, sent: this.#sent, refused: this.#refused, duplicated: this.again });
    assert.deepEqual(lost, [], 'accepted calls that neither ran nor are dead letters');
    assert.ok(this.again <= mostTwice, `${this.again} ran twice, ${mostTwice} may`);
    assert.ok(sums.executed + sums.deadLettered >= sums.accepted && sums.executed <= this.#sent);
    this.#accepted = new Set();
    this.#sent = this.#refused = 0;
    this.#round += 1;
  }

  /** Of the calls of this round; a list holds a thousand, the others are asked for one by one. */
  async #records(platform: TestPlatform): Promise<readonly InvocationStatus[]> {
    const listed = await read<InvocationStatus[]>(platform, '/system/invocations?state=done,dead&limit=1000');
    const records = listed.filter(({ id }) => id.startsWith(`r${this.#round}-`));
    const known = new Set(records.map(({ id }) => id));
    for (const id of this.#accepted) {
      if (known.has(id)) continue;
      const answer = await platform.fetch(`/system/invocations/${id}`);
      if (answer.ok) records.push((await answer.json()) as InvocationStatus);
    }
    return records.filter(({ state }) => state === 'done' || state === 'dead');
  }

  /** One line of what became of all calls. */
  summary(): string {
    const { sent, accepted, refused, executed, duplicated, deadLettered, lost } = this.total;
    return `${this.#faults}: ${this.#rounds} rounds, ${sent} sent, ${accepted} accepted, ${refused} refused, ${executed} executed, ${duplicated} duplicated, ${deadLettered} dead-lettered, lost = ${lost}`;
  }

  #add(sums: Sums): void {
    this.#rounds += 1;
    for (const key of Object.keys(sums) as (keyof Sums)[]) this.total[key] += sums[key];
  }
}

interface SendOptions {
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly allowed?: readonly number[];
}

async function read<T>(platform: TestPlatform, path: string): Promise<T> {
  const answer = await platform.fetch(path);
  assert.equal(answer.status, 200, path);
  return (await answer.json()) as T;
}
