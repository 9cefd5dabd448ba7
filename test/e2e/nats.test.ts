import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { useNats } from '../support/nats-server.ts';
import { account, flagsFor, named, receiver, send, sendMany, stop, tell } from '../support/nats-world.ts';
import { startPlatform, usePlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

suite('stored calls in NATS', { concurrency: 2 }, () => {
  test('two platforms share the calls of a function; one is killed, and every call still runs', async (t) => {
    const server = await useNats(t);
    if (server === undefined) return;
    const { url, got } = await receiver(t);
    const [one, two] = [await startPlatform(flagsFor(server.port)), await usePlatform(t, flagsFor(server.port))];
    t.after(() => one.dispose());
    await Promise.all([one, two].map((platform) => deployFiles(platform, 'tell', tell(url))));
    const accepted = await Promise.all([sendMany(one, named('one', 100)), sendMany(two, named('two', 100))]);
    assert.equal(accepted.flat().length, 200);
    await until('some to be done', () => got.size > 10, 30_000);
    await one.kill();
    const missing = (): string[] => accepted.flat().filter((body) => !got.has(body));
    await until('all to be done', () => missing().length === 0, 60_000);
    account(t, accepted.flat(), got);
    const queue = async (): Promise<unknown> => await (await two.fetch('/system/queue')).json();
    await until('nothing to be left', async () => JSON.stringify(await queue()) === '[]', 30_000);
    const listed = await two.cli(['invocations', 'list', 'tell', '--state', 'done', '-o', 'json']);
    assert.match(listed.stdout, /"done"/);
    const { stdout } = await two.cli(['version']);
    assert.match(stdout, /^stored calls: NATS \d.*stream tinderbox_queue, 1 copy\n {2}but .*sync_interval/m);
    await stop(two);
  });

  test('a schedule that two platforms fire makes one call each time', async (t) => {
    const server = await useNats(t);
    if (server === undefined) return;
    const { url, got } = await receiver(t);
    const platforms = [await usePlatform(t, flagsFor(server.port)), await usePlatform(t, flagsFor(server.port))];
    const spec = { annotations: { topic: 'cron-function', schedule: '* * * * * *' } };
    await Promise.all(platforms.map((platform) => deployFiles(platform, 'tell', tell(url), { spec })));
    await until('several seconds', () => got.size >= 5, 30_000);
    // The clock of both runs: each goes on alone.
    const [first, second] = platforms;
    assert.ok(first !== undefined && second !== undefined);
    const seen = got.size;
    await stop(first);
    await until('the other goes on', () => got.size >= seen + 3, 30_000);
    const again = await first.restart();
    t.after(() => again.dispose());
    const then = got.size;
    await stop(second);
    await until('the first goes on', () => got.size >= then + 3, 30_000);
    await stop(again);
    assert.deepEqual(
      [...got.values()].filter((count) => count > 1),
      [],
      JSON.stringify([...got]),
    );
  });

  test('a platform starts without NATS, and is joined by it later; what will never do stops it', async (t) => {
    const server = await useNats(t);
    if (server === undefined) return;
    await server.kill();
    const { url, got } = await receiver(t);
    const platform = await usePlatform(t, flagsFor(server.port));
    await deployFiles(platform, 'tell', tell(url));
    assert.equal((await send(platform, 'early')).status, 503);
    await server.start();
    await until('calls to be taken', async () => (await send(platform, 'late')).status === 202, 30_000);
    await until('it to be done', () => got.has('late'));
    await stop(platform);
    await assert.rejects(startPlatform(['--nats', 'nats://me:s3cret@127.0.0.1:4222/x']), (error: Error) => {
      assert.match(error.message, /ended with 78[^]*setting nats has "nats:\/\/…@127\.0\.0\.1:4222\/x"/);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
  });
});
