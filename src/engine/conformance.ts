import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../../test/support/until.ts';
import type { Instance, InstanceState } from '../model/instance.ts';
import type { LogLine, LogQuery } from '../model/log-line.ts';
import type { Engine, Workload } from './engine.ts';
import { executing } from './exec-conformance.ts';

/**
 * What a program of the suite does. `serves`: becomes ready, writes the line `serving`, runs on. `exits`: writes
 * `about to fail`, ends with code 7 before it is ready. `never-ready`: runs and is never ready. `ignores-stop`:
 * serves, and does not end when asked to.
 */
export type Behaviour = 'serves' | 'exits' | 'never-ready' | 'ignores-stop';

/** An engine under test; its start time-out is about a second, and failures are forgotten after about half a second. */
export interface EngineFixture {
  /** Started. */
  readonly engine: Engine;
  /** A workload of a function of its own, revision 1; grace 300 ms. */
  workload(name: string, behaviour: Behaviour): Workload;
  /** Makes a ready instance end by itself with this exit code. */
  crash(instance: Instance, exitCode: number): Promise<void>;
  /** Whether anything of this instance is left on the machine. */
  isLeft(instance: Instance): Promise<boolean>;
  /** Closes the engine and removes what the fixture made. */
  close(): Promise<void>;
}

/** The suite every engine passes. */
export function engineConformance(name: string, makeFixture: () => Promise<EngineFixture>): void {
  describe(`engine ${name}`, () => {
    let fixture: EngineFixture;
    before(async () => {
      fixture = await makeFixture();
    });
    after(() => fixture.close());
    const suite: Suite = {
      get fixture() {
        return fixture;
      },
      ofState: (workload, ...states) => instancesOf(fixture.engine, workload, states),
      run: async (functionName, behaviour, count) => {
        const workload = fixture.workload(functionName, behaviour);
        await fixture.engine.apply(workload);
        await fixture.engine.scale(workload.revision, count);
        return workload;
      },
    };
    counting(suite);
    failing(suite);
    stopping(suite);
    logging(suite);
    executing(suite);
  });
}

export interface Suite {
  readonly fixture: EngineFixture;
  ofState(workload: Workload, ...states: InstanceState[]): readonly Instance[];
  run(functionName: string, behaviour: Behaviour, count: number): Promise<Workload>;
}

function instancesOf(engine: Engine, workload: Workload, states: readonly InstanceState[]): readonly Instance[] {
  return engine
    .instances()
    .filter((instance) => instance.revision === workload.revision && states.includes(instance.state));
}

function counting(suite: Suite): void {
  test('an applied revision has no instance until it is scaled', async () => {
    const workload = await suite.run('quiet', 'serves', 0);
    assert.deepEqual(instancesOf(suite.fixture.engine, workload, ['starting', 'ready', 'draining']), []);
  });

  test('an instance is told to watchers as starting, then as ready with its address', async () => {
    const seen: Instance[] = [];
    const stop = suite.fixture.engine.watch(({ instance }) => seen.push(instance));
    const workload = await suite.run('one', 'serves', 1);
    await until('ready', () => suite.ofState(workload, 'ready').length === 1);
    stop();
    const states = seen.filter((instance) => instance.revision === workload.revision);
    assert.deepEqual(
      states.map((instance) => instance.state),
      ['starting', 'ready'],
    );
    assert.ok(states[1]?.address);
    assert.equal(states[1].concurrency, workload.settings.concurrency);
  });

  test('instances follow the count up and down, and stating it again changes nothing', async () => {
    const workload = await suite.run('many', 'serves', 3);
    await until('three', () => suite.ofState(workload, 'ready').length === 3);
    const before = suite.ofState(workload, 'ready');
    await suite.fixture.engine.apply(workload);
    await suite.fixture.engine.scale(workload.revision, 3);
    assert.deepEqual(suite.ofState(workload, 'ready', 'starting'), before);
    await suite.fixture.engine.scale(workload.revision, 1);
    await until('two are gone', () => suite.ofState(workload, 'stopped').length === 2);
    assert.equal(suite.ofState(workload, 'ready').length, 1);
    await suite.fixture.engine.scale(workload.revision, 0);
    await until('all are gone', () => suite.ofState(workload, 'stopped').length === 3);
  });

  test('scaling a revision nobody applied is not found; removing it is fine', async () => {
    await assert.rejects(suite.fixture.engine.scale('conformance/nobody-00001', 1), { code: 'not-found' });
    await suite.fixture.engine.remove('conformance/nobody-00001');
  });
}

function failing(suite: Suite): void {
  test('an instance that ends by itself is failed with its exit code, and replaced', async () => {
    const workload = await suite.run('crashes', 'serves', 1);
    const first = await until('ready', () => suite.ofState(workload, 'ready')[0]);
    await suite.fixture.crash(first, 3);
    const failed = await until('failed', () => suite.ofState(workload, 'failed')[0]);
    assert.equal(failed.id, first.id);
    assert.equal(failed.outcome?.exitCode, 3);
    assert.equal(failed.outcome.ok, false);
    assert.match(failed.reason ?? '', /code 3/);
    const second = await until('replaced', () => suite.ofState(workload, 'ready')[0]);
    assert.notEqual(second.id, first.id);
  });

  test('a program that cannot start is tried again ever less often, and says its last lines', async () => {
    const times: number[] = [];
    const workload = suite.fixture.workload('broken', 'exits');
    const stop = suite.fixture.engine.watch(({ instance }) => {
      if (instance.revision === workload.revision && instance.state === 'starting') times.push(performance.now());
    });
    await suite.run('broken', 'exits', 3);
    await until('five starts', () => times.length >= 5);
    await suite.fixture.engine.remove(workload.revision);
    stop();
    const [, , third = 0, fourth = 0, fifth = 0] = times;
    assert.ok(fourth - third >= 190, `the first wait was ${fourth - third} ms`);
    assert.ok(fifth - fourth >= 390, `the second wait was ${fifth - fourth} ms`);
    const failed = suite.ofState(workload, 'failed')[0];
    assert.match(failed?.reason ?? '', /about to fail/);
  });

  test('a program that never becomes ready is given up after the start time-out', async () => {
    const workload = await suite.run('late', 'never-ready', 1);
    const failed = await until('failed', () => suite.ofState(workload, 'failed')[0]);
    assert.match(failed.reason ?? '', /never became ready/);
    await suite.fixture.engine.remove(workload.revision);
    await until('nothing is left', async () => !(await suite.fixture.isLeft(failed)));
  });
}

function stopping(suite: Suite): void {
  test('an instance is draining for its watchers before it stops, and leaves nothing', async () => {
    const workload = await suite.run('stops', 'serves', 1);
    const instance = await until('ready', () => suite.ofState(workload, 'ready')[0]);
    const states: InstanceState[] = [];
    const stop = suite.fixture.engine.watch((change) => {
      if (change.instance.id === instance.id) states.push(change.instance.state);
    });
    await suite.fixture.engine.scale(workload.revision, 0);
    const stopped = await until('stopped', () => suite.ofState(workload, 'stopped')[0]);
    stop();
    assert.deepEqual(states, ['draining', 'stopped']);
    assert.equal(stopped.outcome?.canceled, true);
    assert.equal(await suite.fixture.isLeft(instance), false);
  });

  test('an instance that ignores the request to stop is killed after its grace', async () => {
    const workload = await suite.run('stubborn', 'ignores-stop', 1);
    const instance = await until('ready', () => suite.ofState(workload, 'ready')[0]);
    const startedAtMs = performance.now();
    await suite.fixture.engine.scale(workload.revision, 0);
    await until('stopped', () => suite.ofState(workload, 'stopped')[0]);
    const tookMs = performance.now() - startedAtMs;
    assert.ok(tookMs >= workload.settings.graceMs - 20, `killed after ${tookMs} ms`);
    assert.equal(await suite.fixture.isLeft(instance), false);
  });

  test('a retired instance is drained with the reason and replaced at once', async () => {
    const workload = await suite.run('retires', 'serves', 1);
    const first = await until('ready', () => suite.ofState(workload, 'ready')[0]);
    suite.fixture.engine.retire(first.id, 'it did not answer');
    assert.equal(suite.ofState(workload, 'draining')[0]?.reason, 'it did not answer');
    assert.equal(suite.ofState(workload, 'starting').length, 1);
    await until('stopped', () => suite.ofState(workload, 'stopped')[0]?.id === first.id);
    const second = await until('ready', () => suite.ofState(workload, 'ready')[0]);
    assert.notEqual(second.id, first.id);
  });

  test('a removed revision ends, also while it is starting', async () => {
    const workload = await suite.run('removed', 'never-ready', 2);
    await suite.fixture.engine.remove(workload.revision);
    await until('both stopped', () => suite.ofState(workload, 'stopped').length === 2);
    await assert.rejects(suite.fixture.engine.scale(workload.revision, 1), { code: 'not-found' });
  });
}

function logging(suite: Suite): void {
  const read = async (query: Partial<LogQuery>, signal = AbortSignal.timeout(10_000)): Promise<LogLine[]> => {
    const wanted = { namespace: 'conformance', name: 'writes', follow: false, ...query };
    return await Array.fromAsync(suite.fixture.engine.logs(wanted, signal));
  };

  test('log lines outlive their instance, and can be asked for by instance and from the end', async () => {
    const workload = await suite.run('writes', 'serves', 2);
    await until('ready', () => suite.ofState(workload, 'ready').length === 2);
    await suite.fixture.engine.scale(workload.revision, 0);
    await until('stopped', () => suite.ofState(workload, 'stopped').length === 2);
    const lines = await read({});
    assert.deepEqual(
      lines.map((line) => line.text),
      ['serving', 'serving'],
    );
    const [first] = suite.ofState(workload, 'stopped');
    const own = await read({ instance: first?.id ?? '' });
    assert.deepEqual(
      own.map((line) => [line.instance, line.stream, line.name]),
      [[first?.id, 'stdout', 'writes']],
    );
    assert.equal((await read({ tail: 1 })).length, 1);
    assert.deepEqual(await read({ sinceMs: Date.now() + 60_000 }), []);
    assert.deepEqual(await read({ name: 'nobody' }), []);
  });

  test('a follower hears lines of instances that come later, until it leaves', async () => {
    const leave = new AbortController();
    const query = { namespace: 'conformance', name: 'followed', follow: true, tail: 0 };
    const heard: LogLine[] = [];
    const reading = (async () => {
      for await (const line of suite.fixture.engine.logs(query, leave.signal)) heard.push(line);
    })();
    const workload = await suite.run('followed', 'serves', 1);
    await until('a line', () => heard.length === 1);
    leave.abort();
    await reading;
    assert.equal(heard[0]?.instance, suite.ofState(workload, 'ready', 'starting')[0]?.id);
  });
}
