import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressRule } from './public-address.ts';

test('only addresses of the public internet may be reached', () => {
  const isAllowed = createAddressRule([]);
  const inside = ['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0'];
  const inside6 = [
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::7f00:1',
    '::ffff:0:127.0.0.1',
    '2002:7f00:1::',
    '3fff::1',
    '5f00::1',
    'fec0::1',
    'fe80::1%eth0',
  ];
  for (const address of [...inside, ...inside6, '224.0.0.1', '255.255.255.255', 'localhost', '']) {
    assert.equal(isAllowed(address), false, address);
  }
  for (const address of ['8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '::ffff:808:808']) {
    assert.equal(isAllowed(address), true, address);
  }
});

test('ranges that are allowed on purpose may be reached, and no others', () => {
  const isAllowed = createAddressRule(['10.1.0.0/16', '::1', '127.0.0.1']);
  assert.deepEqual(['10.1.9.9', '::1', '127.0.0.1', '10.2.0.1', '127.0.0.2'].map(isAllowed), [
    true,
    true,
    true,
    false,
    false,
  ]);
  const mapped = createAddressRule(['::/0']);
  assert.deepEqual(['fd00::1', '169.254.169.254', '::ffff:a9fe:a9fe'].map(mapped), [true, false, false]);
});
