'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const handler = require('./handler.js');

async function answerTo(body) {
  const answer = {};
  const context = {
    status: (code) => Object.assign(context, { code }),
    headers: () => context,
    succeed: (text) => Object.assign(answer, { text }),
  };
  await handler({ body }, context);
  assert.equal(context.code, 200);
  return answer.text;
}

test('greets by name', async () => {
  assert.equal(await answerTo('you\n'), 'hello you\n');
  assert.equal(await answerTo(''), 'hello world\n');
});

test('greets what came parsed', async () => {
  assert.equal(await answerTo({ name: 'you' }), 'hello {"name":"you"}\n');
});
