import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStack } from './parse-stack.ts';

function parse(triggers: string): ReturnType<typeof parseStack> {
  const text = `functions:\n  hello:\n    image: hello:1\n    triggers:\n${triggers}`;
  return parseStack({ text, file: 'stack.yaml', directory: '/', env: {} });
}

test('triggers of a function are read with their shapes', () => {
  const [fn] = parse(
    [
      '      nightly:',
      '        headers: { A: 1 }',
      '        schedule: { expressions: "0 3 * * *" }',
      '      orders:',
      '        concurrency: 4',
      '        paused: true',
      '        nats: { stream: ORDERS, subject: orders.>, createStream: true, servers: [nats://a, nats://b] }',
      '',
    ].join('\n'),
  ).functions;
  assert.deepEqual(fn?.triggers, [
    { name: 'nightly', spec: { headers: { A: '1' }, schedule: { expressions: ['0 3 * * *'] } } },
    {
      name: 'orders',
      spec: {
        concurrency: 4,
        paused: true,
        nats: { stream: 'ORDERS', subject: 'orders.>', createStream: true, servers: ['nats://a', 'nats://b'] },
      },
    },
  ]);
});

for (const [triggers, message] of [
  ['      a:\n        shedule: {}\n', /stack\.yaml:6:9: unknown field "shedule" .*did you mean "schedule"\?/],
  [
    '      a:\n        schedule: { cron: x }\n',
    /stack\.yaml:6:21: unknown field "cron" in functions\.hello\.triggers\.a\.schedule/,
  ],
  ['      a: {}\n', /stack\.yaml:5:7: .* has no source: give one of schedule, nats/],
  ['      a:\n        nats: { subject: x }\n        schedule: { expressions: y }\n', /has schedule and nats/],
  ['      A_b:\n        nats: { subject: x }\n', /stack\.yaml:5:7: trigger name "A_b" is not valid/],
  [
    '      a:\n        concurrency: many\n        nats: { subject: x }\n',
    /stack\.yaml:6:22: .* is "many", it must be a whole number/,
  ],
] as const) {
  test(`${JSON.stringify(triggers)} is refused with its place`, () => {
    assert.throws(() => parse(triggers), { code: 'invalid', message });
  });
}
