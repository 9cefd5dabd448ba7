import assert from 'node:assert/strict';
import { test } from 'node:test';
import { invocationEnd, notice } from './channels.ts';
import { startLog } from './log.ts';

test('notices and failed calls become one JSON line each with their ids, good calls do not', () => {
  const lines: string[] = [];
  const stop = startLog({ level: 'info', destination: { write: (line: string) => void lines.push(line) } });
  notice.publish({ level: 'warn', part: 'engine', message: 'the keeper is gone', details: { pid: 7 } });
  const call = { id: 'c-1', function: 'a.ns', durationMs: 5, queuedMs: 0, cold: true };
  invocationEnd.publish({ ...call, status: 200 });
  invocationEnd.publish({ ...call, status: 502 });
  stop();
  notice.publish({ level: 'error', part: 'x', message: 'after the end' });
  const read = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(read.length, 2);
  assert.deepEqual([read[0]?.['part'], read[0]?.['pid'], read[0]?.['msg']], ['engine', 7, 'the keeper is gone']);
  assert.deepEqual([read[1]?.['call'], read[1]?.['status'], read[1]?.['cold']], ['c-1', 502, true]);
});
