import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type BadFunctions, isAlive, oneShortLine, startBadFunctions } from '../support/bad-functions.ts';
import { until } from '../support/until.ts';

suite('functions that do not do what they should', () => {
  let stage: BadFunctions;
  before(async () => {
    stage = await startBadFunctions([]);
  });
  after(() => stage.close());

  test('one that throws is answered 500 in one line, whatever it throws or returns, and lives on', async (t) => {
    await stage.deploy(t, 'throws');
    const { pid } = await stage.instance('throws');
    for (const late of [false, true]) {
      for (const kind of ['error', 'nothing', 'circular', 'untellable', 'bare', 'symbol', 'disguised']) {
        const answer = await stage.call('throws', { throw: kind, late });
        assert.equal(answer.status, 500, `throw ${kind}: ${answer.text}`);
        assert.match(answer.text, /^[^\n]+\n$/, kind);
        assert.equal(answer.headers.get('x-openfaas-internal'), null);
      }
      for (const kind of ['circular', 'bigint', 'function', 'symbol', 'hostile', 'iterator']) {
        const answer = await stage.call('throws', { return: kind, late });
        assert.ok(answer.status === 500 || answer.status === 502, `return ${kind}: ${answer.status} ${answer.text}`);
      }
    }
    assert.equal((await stage.call('throws', {})).text, 'alive');
    assert.equal((await stage.instance('throws')).pid, pid);
    const lines = await stage.logs('throws');
    assert.ok(
      lines.some((line) => line.includes('throws.js:')),
      'the log has the stack',
    );
  });

  for (const [way, reason, line] of [
    ['exit', /exited with code 1/, /the function called process\.exit\(3\) during call [\w.-]+/],
    ['really', /exited with code 4/, undefined],
    ['abort', /ended by SIGABRT/, undefined],
    ['kill', /ended by SIGKILL/, undefined],
    ['later', /exited with code 1/, /uncaught exception.*thrown outside of the call/],
    ['rejection', /exited with code 1/, /unhandled rejection.*nobody handles this/],
  ] as const) {
    test(`one that ends its process (${way}) costs its own call 502, says so, and is started again`, async (t) => {
      const name = `exits-${way}`;
      await stage.deploy(t, name, { behaviour: 'exits' });
      const first = await stage.call(name);
      const lost = await stage.call(name, way);
      assert.equal(lost.status, 502);
      assert.match(lost.text, oneShortLine);
      assert.equal(lost.headers.get('x-openfaas-internal'), 'router');
      assert.equal((await stage.failed(name, reason)).outcome?.ok, false);
      if (line !== undefined) assert.match((await stage.logs(name)).join('\n'), line);
      const again = await stage.callUntilUp(name);
      assert.equal(again.status, 200);
      assert.notEqual(again.text, first.text);
    });
  }

  test('one whose import never ends, busily or idly, is given up after its time, with the reason', async (t) => {
    const neverReady = async (behaviour: string): Promise<void> => {
      const { failure = '' } = await stage.deployBroken(t, behaviour);
      assert.match(failure, /never became ready within 2 s/);
      const answer = await stage.call(behaviour);
      assert.equal(answer.status, 503);
      assert.match(answer.text, oneShortLine);
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
      await stage.describes(behaviour, /never became ready within 2 s/);
      assert.equal((await stage.failed(behaviour, /never/)).outcome?.timedOut, true);
    };
    await stage.undisturbed(() => Promise.all(['hangs', 'waits'].map(neverReady)));
  });

  test('one that cannot be loaded says why to its owner and one line to strangers', async (t) => {
    const { failure = '' } = await stage.deployBroken(t, 'absent');
    assert.match(failure, /the handler could not be loaded\n.*Cannot find module/);
    assert.equal(failure.split('Cannot find module').length, 2, failure);
    assert.match((await stage.platform.cli(['logs', 'absent'])).stdout, /Cannot find module/);
    const answer = await stage.call('absent');
    assert.equal(answer.status, 503);
    assert.match(answer.text, oneShortLine);
    assert.match(answer.text, /the handler could not be loaded/);
    assert.equal((await stage.failed('absent', /Cannot find module/)).outcome?.timedOut, false);
  });

  test('one that is deaf to signals is killed when its grace is over', async (t) => {
    await stage.deploy(t, 'deaf', { envVars: { write_timeout: '1s' } });
    const { pid = 0 } = await stage.instance('deaf');
    const startedAtMs = performance.now();
    await stage.client.functions.remove('deaf');
    await until('it heard the signal', async () =>
      (await stage.logs('deaf')).join().includes('not listening to SIGTERM'),
    );
    await until('it is gone', () => !isAlive(pid), 5000);
    assert.ok(performance.now() - startedAtMs > 900, 'it had its grace');
  });

  test('one that ignores its deadline costs its caller 504 and, after a grace, its instance', async (t) => {
    await stage.deploy(t, 'overdue', { envVars: { exec_timeout: '1s', write_timeout: '1s', max_inflight: '2' } });
    const { id, pid = 0 } = await stage.instance('overdue');
    const answers = [stage.call('overdue', 'ignore')];
    assert.equal((await stage.call('overdue')).text, `pid ${pid}`, 'another call has room beside it');
    answers.push(stage.call('overdue', 'ignore'));
    for (const answer of await Promise.all(answers)) {
      assert.equal(answer.status, 504);
      assert.match(answer.text, oneShortLine);
      assert.match(answer.text, /longer than its time limit of 1000 ms/);
    }
    assert.ok(isAlive(pid));
    assert.notEqual((await stage.call('overdue')).text, `pid ${pid}`, 'its slots stay taken');
    await until('it is killed', () => !isAlive(pid));
    const old = (await stage.instances('overdue')).find((each) => each.id === id);
    assert.match(old?.reason ?? '', /was cancelled and still ran 1000 ms later/);
  });

  test('one that never lets go of its thread loses its calls at their deadline and is replaced', async (t) => {
    await stage.deploy(t, 'busy', {
      behaviour: 'overdue',
      envVars: { exec_timeout: '1s', write_timeout: '1s', max_inflight: '1' },
    });
    const { pid = 0 } = await stage.instance('busy');
    const answer = await stage.undisturbed(() => stage.call('busy', 'busy'));
    assert.equal(answer.status, 504);
    await until('it is killed', () => !isAlive(pid));
    assert.notEqual((await stage.callUntilUp('busy')).text, `pid ${pid}`);
  });

  test('one that eats memory is killed for it, and everybody can read so', async (t) => {
    await stage.deploy(t, 'memory', { limits: { memory: '128Mi' } });
    const answer = await stage.undisturbed(() => stage.call('memory', 'eat'));
    assert.equal(answer.status, 502);
    assert.match(answer.text, oneShortLine);
    const failed = await stage.failed('memory', /used more memory than its limit/);
    assert.equal(failed.outcome?.oomKilled, true);
    await stage.describes('memory', /used more memory than its limit/);
    assert.match((await stage.logs('memory')).join('\n'), /killed: it used more memory than its limit/);
    assert.equal((await stage.callUntilUp('memory')).status, 200);
  });

  test('one that forks without end fills its own cage and no other', async (t) => {
    await stage.deploy(t, 'forks', { annotations: { 'com.tinderbox.pids': '64' } });
    await stage.undisturbed(async () => {
      assert.equal((await stage.call('forks', 'bomb')).text, 'lit');
      await until('its cage is full', () => stage.processes().length >= 50);
    });
    assert.ok(stage.processes().length <= 64 + 20);
  });

  test('one that daemonises is still in its cage when that is emptied', async (t) => {
    await stage.deploy(t, 'daemon');
    await stage.call('daemon', 'daemonise');
    await until('the daemon runs', () => stage.processes().some((each) => each.command.includes('innocent')));
  });
});
