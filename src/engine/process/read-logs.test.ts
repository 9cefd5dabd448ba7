import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { until } from '../../../test/support/until.ts';
import { LogFile } from './keeper/log-file.ts';
import { formatLineHead } from './keeper/log-format.ts';
import { readLogs } from './read-logs.ts';

const query = { namespace: 'ns', name: 'f', follow: false };

function line(text: string, atMs = 0, instance = 'f-1'): Buffer {
  return Buffer.from(`${formatLineHead(new Date(atMs).toISOString(), instance, 'o', 'call')}${text}\n`);
}

async function texts(directory: string, changes: object = {}): Promise<string[]> {
  const lines = await Array.fromAsync(readLogs(directory, { ...query, ...changes }, AbortSignal.timeout(5000)));
  return lines.map((found) => found.text);
}

test('both files are read oldest first; tail, since and instance choose among the lines', async (t) => {
  const directory = tempDir(t);
  writeFileSync(join(directory, 'previous.log'), Buffer.concat([line('a', 1000), line('b', 2000, 'f-2')]));
  writeFileSync(
    join(directory, 'current.log'),
    Buffer.concat([line('c', 3000), line('d', 4000, 'f-2'), line('e', 5000)]),
  );
  assert.deepEqual(await texts(directory), ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(await texts(directory, { tail: 2 }), ['d', 'e']);
  assert.deepEqual(await texts(directory, { tail: 0 }), []);
  assert.deepEqual(await texts(directory, { instance: 'f-2' }), ['b', 'd']);
  assert.deepEqual(await texts(directory, { sinceMs: 3000, tail: 2, instance: 'f-1' }), ['c', 'e']);
  const [first] = await Array.fromAsync(readLogs(directory, query, AbortSignal.timeout(5000)));
  assert.deepEqual(first, {
    namespace: 'ns',
    name: 'f',
    instance: 'f-1',
    text: 'a',
    stream: 'stdout',
    callId: 'call',
    timestamp: '1970-01-01T00:00:01.000Z',
  });
});

test('a line written after it was asked for is told, however few lines of before were wanted', async (t) => {
  const directory = tempDir(t);
  const file = join(directory, 'current.log');
  writeFileSync(file, Buffer.concat([line('old'), line('older')]));
  const lines = readLogs(directory, { ...query, tail: 0 }, AbortSignal.timeout(5000));
  writeFileSync(file, line('new', Date.now() + 1), { flag: 'a' });
  const found = await Array.fromAsync(lines);
  assert.deepEqual(
    found.map(({ text }) => text),
    ['new'],
  );
});

test('damaged and unfinished lines are left out', async (t) => {
  const directory = tempDir(t);
  writeFileSync(
    join(directory, 'current.log'),
    Buffer.concat([Buffer.from('garbage\n\n'), line('ok'), Buffer.from('2026')]),
  );
  assert.deepEqual(await texts(directory), ['ok']);
});

test('a function without logs has no lines', async (t) => {
  assert.deepEqual(await texts(join(tempDir(t), 'nowhere')), []);
});

test('a follower hears every line across many rotations, from before the first file exists', async (t) => {
  const directory = join(tempDir(t), 'later');
  const leave = new AbortController();
  const heard: string[] = [];
  const reading = (async () => {
    for await (const found of readLogs(directory, { ...query, follow: true }, leave.signal)) heard.push(found.text);
  })();
  const file = new LogFile(directory, 2000);
  for (let batch = 0; batch < 20; batch += 1) {
    for (let at = 0; at < 20; at += 1) file.append(line(`${batch * 20 + at}`));
    await file.flushed();
    await until('the batch is heard', () => heard.length === (batch + 1) * 20);
  }
  assert.deepEqual(
    heard,
    Array.from({ length: 400 }, (_, at) => String(at)),
  );
  leave.abort();
  await reading;
  await file.close();
});

test('a follower that does not pull holds nobody up, and ends when its signal aborts', async (t) => {
  const directory = tempDir(t);
  const leave = new AbortController();
  const lines = readLogs(directory, { ...query, follow: true }, leave.signal);
  const file = new LogFile(directory, 1e6);
  file.append(line('one'));
  await file.flushed();
  assert.equal((await lines.next()).value?.text, 'one');
  for (let at = 0; at < 1000; at += 1) assert.ok(file.append(line(`more ${at}`)));
  await file.flushed();
  leave.abort();
  assert.equal((await lines.next()).done, true);
  await file.close();
});
