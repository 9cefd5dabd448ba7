import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type BadFunctions, isAlive, oneShortLine, startBadFunctions } from '../support/bad-functions.ts';
import { until } from '../support/until.ts';

const language = 'python';

suite('Python functions that do not do what they should', () => {
  let stage: BadFunctions;
  before(async () => {
    stage = await startBadFunctions([language]);
  });
  after(() => stage.close());

  test('one that throws or returns nonsense is answered in one line, and lives on', async (t) => {
    await stage.deploy(t, 'py-throws', { language });
    const { pid } = await stage.instance('py-throws');
    for (const kind of ['error', 'untellable', 'base', 'keyboard', 'generator', 'recursion']) {
      const answer = await stage.call('py-throws', `throw ${kind}`);
      assert.ok(answer.status === 500 || answer.status === 502, `throw ${kind}: ${answer.status} ${answer.text}`);
      assert.match(answer.text, oneShortLine, kind);
    }
    for (const kind of ['object', 'circular', 'status', 'status_99', 'header', 'name', 'long', 'set']) {
      const answer = await stage.call('py-throws', `return ${kind}`);
      assert.ok(answer.status === 500 || answer.status === 502, `return ${kind}: ${answer.status} ${answer.text}`);
      assert.match(answer.text, oneShortLine, kind);
      assert.equal(answer.headers.get('set-cookie'), null);
    }
    assert.equal((await stage.call('py-throws')).text, 'alive');
    assert.equal((await stage.instance('py-throws')).pid, pid);
    assert.ok(
      (await stage.logs('py-throws')).some((line) => line.includes('ValueError')),
      'the log has the traceback',
    );
  });

  test('one that ends its process costs its own call 502, says so, and is started again', async (t) => {
    await stage.deploy(t, 'py-exits', { language });
    for (const [way, reason] of [
      ['exit', /exited with code 4/],
      ['abort', /ended by SIGABRT/],
      ['kill', /ended by SIGKILL/],
      ['segfault', /ended by SIGSEGV/],
    ] as const) {
      const first = await stage.callUntilUp('py-exits');
      const lost = await stage.call('py-exits', way);
      assert.equal(lost.status, 502, `${way}: ${lost.text}`);
      assert.match(lost.text, oneShortLine);
      await stage.failed('py-exits', reason);
      assert.notEqual((await stage.callUntilUp('py-exits')).text, first.text);
    }
  });

  test('one whose import never ends, or fails, is given up, with the reason', async (t) => {
    const broken = async (behaviour: string, reason: RegExp): Promise<void> => {
      const { failure = '' } = await stage.deployBroken(t, behaviour, { language });
      assert.match(failure, reason);
      const answer = await stage.call(behaviour);
      assert.equal(answer.status, 503);
      assert.match(answer.text, oneShortLine);
    };
    await stage.undisturbed(() =>
      Promise.all([
        broken('py-hangs', /never became ready within 2 s/),
        broken('py-absent', /the handler could not be loaded\n[^]*No module named/),
      ]),
    );
    assert.match((await stage.platform.cli(['logs', 'py-absent'])).stdout, /No module named/);
  });

  test('one that ignores its deadline and every signal costs its caller 504 and, after a grace, its instance', async (t) => {
    const envVars = { exec_timeout: '1s', write_timeout: '1s', max_inflight: '2' };
    await stage.deploy(t, 'py-stays', { language, envVars });
    for (const way of ['ignore', 'busy']) {
      await stage.callUntilUp('py-stays');
      const { pid = 0 } = await stage.instance('py-stays');
      const answer = await stage.undisturbed(() => stage.call('py-stays', way));
      assert.equal(answer.status, 504, answer.text);
      assert.match(answer.text, oneShortLine);
      await until('it is killed', () => !isAlive(pid));
    }
    assert.equal((await stage.callUntilUp('py-stays')).status, 200);
  });

  test('one that eats memory is killed for it, and everybody can read so', async (t) => {
    await stage.deploy(t, 'py-eats', { language, behaviour: 'py-stays', limits: { memory: '128Mi' } });
    const answer = await stage.undisturbed(() => stage.call('py-eats', 'eat'));
    assert.ok(answer.status === 502 || answer.status === 500, answer.text);
    assert.equal((await stage.failed('py-eats', /used more memory than its limit/)).outcome?.oomKilled, true);
  });

  test('one that breaks the frame protocol loses its connection, its calls and its instance', async (t) => {
    await stage.deploy(t, 'py-noise', { language, behaviour: 'py-stays', envVars: { write_timeout: '1s' } });
    const first = await stage.callUntilUp('py-noise');
    const answer = await stage.undisturbed(() => stage.call('py-noise', 'noise'));
    assert.equal(answer.status, 502);
    await until('it is retired', async () =>
      (await stage.instances('py-noise')).some(({ reason }) => reason?.includes('broke the frame protocol')),
    );
    assert.notEqual((await stage.callUntilUp('py-noise')).text, first.text);
  });
});
