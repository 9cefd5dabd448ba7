'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const handler = require('./handler.js');

test('greets by name', async () => {
  const answer = {};
  const context = {
    status: (code) => Object.assign(context, { code }),
    headers: () => context,
    succeed: (body) => Object.assign(answer, { body }),
  };
  await handler({ body: 'you\n' }, context);
  assert.equal(context.code, 200);
  assert.equal(answer.body, 'hello you\n');
});
