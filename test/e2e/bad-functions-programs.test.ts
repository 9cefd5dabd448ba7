import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Answer, type BadFunctions, isAlive, oneShortLine, startBadFunctions } from '../support/bad-functions.ts';
import { until } from '../support/until.ts';

suite('programs that do not do what they should', () => {
  let stage: BadFunctions;
  before(async () => {
    stage = await startBadFunctions(['http', 'exec']);
  });
  after(() => stage.close());

  test('one whose program listens nowhere, elsewhere, or ends at once is given up, with the reason', async (t) => {
    const broken = async (behaviour: string, reason: RegExp): Promise<void> => {
      const { failure = '' } = await stage.deployBroken(t, behaviour, { language: 'http' });
      assert.match(failure, reason);
      const answer = await stage.call(behaviour);
      assert.equal(answer.status, 503);
      assert.match(answer.text, oneShortLine);
    };
    await stage.undisturbed(() =>
      Promise.all([
        broken('silent', /never became ready within 2 s/),
        broken('elsewhere', /never became ready within 2 s/),
        broken('exits-at-once', /exited with code 1 after[^]*I do not like it here/),
      ]),
    );
  });

  test('one whose port another program took is never sent its calls', async (t) => {
    await stage.deploy(t, 'squatter', { language: 'http', behaviour: 'squat' });
    const { failure = '' } = await stage.deployBroken(t, 'give-away', {
      language: 'http',
      envVars: { gateway: stage.platform.url.replace('http://', '') },
    });
    assert.match(failure, /port \d+ was taken by another program/);
    assert.equal((await stage.call('give-away')).status, 503);
  });

  test('one that takes the port another let go of, by itself or in a crash, is never sent its calls', async (t) => {
    await stage.deploy(t, 'squatter', { language: 'http', behaviour: 'squat' });
    for (const way of ['let-go', 'exit']) {
      const name = `victim-${way}`;
      await stage.deploy(t, name, { language: 'http', behaviour: 'server', envVars: { exec_timeout: '2s' } });
      const { text: port } = await stage.call(`${name}/port`);
      await stage.call(`squatter/lurk/${port}`);
      const lost = stage.call(`${name}/${way}`);
      await until('the port is taken', async () => (await askDirectly(port)) === 'stolen');
      const answers: Answer[] = [];
      for (let calls = 0; calls < 5; calls += 1) answers.push(await stage.call(name));
      assert.ok([502, 504].includes((await lost).status));
      assert.ok(answers.every(({ text }) => text !== 'stolen'));
    }
    assert.match((await stage.callUntilUp('victim-exit')).text, /^pid /);
  });

  test('one that serves something like HTTP costs its caller 502, or a broken answer, and lives on', async (t) => {
    await stage.deploy(t, 'server', { language: 'http', envVars: { exec_timeout: '5s' } });
    const { pid } = await stage.instance('server');
    await stage.undisturbed(async () => {
      for (const path of ['status', 'noise', 'header', 'split', 'lengths', 'both', 'huge', 'endless', 'nothing']) {
        const answer = await stage.call(`server/${path}`);
        assert.equal(answer.status, 502, `${path}: ${answer.status} ${answer.text.slice(0, 100)}`);
        assert.match(answer.text, oneShortLine, path);
        assert.equal(answer.headers.get('x-openfaas-internal'), 'router', path);
      }
    });
    for (const path of ['chunk', 'short', 'broken']) {
      const answer = await stage.call(`server/${path}`).catch((error: Error) => error.message);
      if (typeof answer === 'string') assert.match(answer, /terminated|other side closed/, path);
      else assert.equal(answer.status, 502, `${path}: ${answer.text}`);
    }
    assert.equal((await stage.call('server')).text, `pid ${pid}`);
    assert.equal((await stage.call('server/exit')).status, 502);
    await stage.failed('server', /exited with code 9/);
    assert.notEqual((await stage.callUntilUp('server')).text, `pid ${pid}`);
  });
  test('a server that is deaf to signals is killed when its grace is over', async (t) => {
    await stage.deploy(t, 'deaf', { language: 'http', envVars: { write_timeout: '1s' } });
    const { pid = 0 } = await stage.instance('deaf');
    await stage.client.functions.remove('deaf');
    await until('it is gone', () => !isAlive(pid), 5000);
  });

  test('a program that fails or crashes costs its own call an error, and the next one is answered', async (t) => {
    await stage.deploy(t, 'crash', { language: 'exec', envProcess: './bad crash' });
    for (const _ of [1, 2]) assertBroken(await stage.call('crash'));
    await stage.deploy(t, 'fail', { language: 'exec', envProcess: './bad fail' });
    assertBroken(await stage.call('fail'));
    await until('its error to be logged', async () => (await stage.logs('fail')).includes('it did not work'));
  });

  test('a program that ignores its deadline and every signal costs its caller 504 and is killed', async (t) => {
    const envVars = { exec_timeout: '1s', write_timeout: '1s' };
    await stage.deploy(t, 'stays', { language: 'exec', envProcess: './bad deaf', envVars });
    const answer = await stage.undisturbed(() => stage.call('stays'));
    assert.equal(answer.status, 504);
    assert.match(answer.text, oneShortLine);
    await until('it is killed', () => stage.processes().every(({ command }) => command !== './bad deaf'), 5000);
  });

  test('a program that eats memory is killed for it, and everybody can read so', async (t) => {
    await stage.deploy(t, 'eats', { language: 'exec', envProcess: './bad eat', limits: { memory: '128Mi' } });
    const answer = await stage.undisturbed(() => stage.call('eats'));
    assertBroken(answer);
    await until('the log says so', async () => /memory/.test((await stage.logs('eats')).join('\n')));
  });

  test('a program that forks without end fills its own cage, and is gone with it', async (t) => {
    const envVars = { exec_timeout: '1s', write_timeout: '1s' };
    const annotations = { 'com.tinderbox.pids': '64' };
    await stage.deploy(t, 'bombs', { language: 'exec', envProcess: './bad bomb', envVars, annotations });
    await stage.undisturbed(async () => {
      const call = stage.call('bombs');
      await until('its cage is full', () => stage.processes().length >= 50);
      assert.equal((await call).status, 504);
    });
  });

  test('a program that leaves a daemon behind leaves it in the cage', async (t) => {
    await stage.deploy(t, 'leaves', { language: 'exec', envProcess: './bad daemonise' });
    assert.equal((await stage.call('leaves')).text, 'begun\n');
  });
});

function assertBroken({ status, text }: Answer): void {
  assert.ok(status === 500 || status === 502, `${status} ${text}`);
  assert.match(text, oneShortLine);
}

async function askDirectly(port: string): Promise<string | undefined> {
  const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
  return await answer?.text();
}
