import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../../test/support/temp-dir.ts';
import { LogFile } from './log-file.ts';
import { parseLogLine } from './log-format.ts';
import { ProgramOutput } from './program-output.ts';

function textsIn(directory: string): string[] {
  return readdirSync(directory)
    .sort((a, b) => (a < b ? 1 : -1))
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => parseLogLine(Buffer.from(line))?.text ?? `damaged: ${line}`);
}

test('lines carry time, instance, stream and call; files are the platform’s alone', async (t) => {
  const directory = join(tempDir(t), 'logs', 'ns', 'f');
  const file = new LogFile(directory, 1e6);
  const output = new ProgramOutput(1e6);
  output.accept('o', Buffer.from('before it belonged to anyone\n'));
  output.assign(file, 'f-1');
  output.accept('e', Buffer.from('\x1ecall-7\x1ftrouble  with spaces\n'));
  output.system('exited with code 1');
  await file.close();
  const lines = readFileSync(join(directory, 'current.log'), 'utf8').trimEnd().split('\n');
  const parsed = lines.map((line) => parseLogLine(Buffer.from(line)));
  assert.deepEqual(
    parsed.map((line) => [line?.instance, line?.stream, line?.callId, line?.text]),
    [
      ['f-1', 'o', undefined, 'before it belonged to anyone'],
      ['f-1', 'e', 'call-7', 'trouble  with spaces'],
      ['f-1', 's', undefined, 'exited with code 1'],
    ],
  );
  assert.match(parsed[0]?.timestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(statSync(join(directory, 'current.log')).mode & 0o777, 0o600);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
});

test('beyond the budget lines are dropped, and counted exactly', async (t) => {
  const directory = tempDir(t);
  const file = new LogFile(directory, 1e8);
  const output = new ProgramOutput(50_000);
  output.assign(file, 'f-1');
  const total = 40_000;
  for (let line = 0; line < total; line += 100) {
    output.accept('o', Buffer.from(Array.from({ length: 100 }, (_, at) => `line ${line + at}\n`).join('')));
  }
  output.flush();
  await file.close();
  const texts = textsIn(directory);
  const dropped = texts.map((text) => Number(/^(\d+) lines dropped/.exec(text)?.[1] ?? 0)).reduce((a, b) => a + b, 0);
  const kept = texts.filter((text) => text.startsWith('line ')).length;
  assert.ok(dropped > total / 2, `dropped ${dropped}`);
  assert.equal(kept + dropped, total);
});

test('two files of the given size are all there ever is', async (t) => {
  const directory = tempDir(t);
  const file = new LogFile(directory, 10_000);
  const output = new ProgramOutput(1e9);
  output.assign(file, 'f-1');
  for (let line = 0; line < 2000; line += 1) {
    output.accept('o', Buffer.from(`number ${line}\n`));
    if (line % 50 === 0) await file.flushed();
  }
  await file.close();
  assert.deepEqual(readdirSync(directory).sort(), ['current.log', 'previous.log']);
  for (const name of readdirSync(directory)) assert.ok(statSync(join(directory, name)).size <= 10_000);
  const texts = textsIn(directory);
  assert.equal(texts.at(-1), 'number 1999');
  assert.equal(texts[0], `number ${2000 - texts.length}`, 'nothing in between is missing');
});

test('a log directory that cannot be written costs lines, nothing else', async (t) => {
  const file = new LogFile(join(tempDir(t), 'x\0y'), 1000);
  const output = new ProgramOutput(1e6);
  output.assign(file, 'f-1');
  output.accept('o', Buffer.from('lost\n'));
  await file.close();
  assert.deepEqual(output.lastLines, ['lost']);
});
