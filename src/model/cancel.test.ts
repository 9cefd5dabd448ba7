import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cancel, type CancelSignal } from './cancel.ts';

test('listeners hear of it once, in the order they came, with the first reason; removed ones do not', () => {
  const cancel = new Cancel();
  const heard: string[] = [];
  const gone = (): void => void heard.push('gone');
  cancel.addEventListener('abort', { handleEvent: () => void heard.push(`object ${String(cancel.reason)}`) });
  cancel.addEventListener('abort', gone);
  cancel.addEventListener('abort', () => void heard.push('function'));
  cancel.removeEventListener('abort', gone);
  cancel.abort('first');
  cancel.abort('second');
  cancel.addEventListener('abort', () => void heard.push('late'));
  assert.deepEqual(heard, ['object first', 'function']);
  assert.deepEqual([cancel.aborted, cancel.reason], [true, 'first']);
});

test('after the first listener left the order of the others stays', () => {
  const cancel = new Cancel();
  const heard: number[] = [];
  const first = (): void => void heard.push(1);
  cancel.addEventListener('abort', first);
  cancel.addEventListener('abort', () => void heard.push(2));
  cancel.removeEventListener('abort', first);
  cancel.addEventListener('abort', () => void heard.push(3));
  cancel.abort('x');
  assert.deepEqual(heard, [2, 3]);
});

test('an AbortSignal is one', () => {
  const abort = new AbortController();
  const signal: CancelSignal = abort.signal;
  let heard = 0;
  signal.addEventListener('abort', { handleEvent: () => void (heard += 1) });
  abort.abort();
  assert.equal(heard, 1);
});
