// Replays arrivals through the platform's own decisions and compares policies; see docs/scaling.md.
import { parseArgs } from 'node:util';
import { policies, type Policy } from './simulate/policies.ts';
import { simulateFunction } from './simulate/simulate-function.ts';
import { summarize, formatRows, type Summary } from './simulate/summary.ts';
import { createTraces, type TraceOptions } from './simulate/traces.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    functions: { type: 'string', default: '2000' },
    only: { type: 'string', default: '' },
    'start-ms': { type: 'string', default: '250' },
  },
});

const options: TraceOptions = { seed: Number(values.seed), functions: Number(values.functions) };
const startMs = Number(values['start-ms']);
console.log(`seed ${options.seed}, an instance starts in ${startMs} ms and takes 10 calls at once\n`);
for (const [index, { name }] of createTraces(options).entries()) {
  if (!name.includes(values.only)) continue;
  const summaries = policies.map((policy) => run(index, policy));
  console.log(`${name}\n${formatRows(summaries)}\n`);
}

/** Every policy meets the same calls: the trace is made anew from the same seed. */
function run(index: number, policy: Policy): Summary {
  const trace = createTraces(options)[index];
  if (trace === undefined) throw new Error(`there is no trace ${index}`);
  const outcomes = Iterator.from(trace.functions).map((each) =>
    simulateFunction(each, policy, { startMs, lengthMs: trace.lengthMs }),
  );
  return summarize(policy.name, outcomes);
}
