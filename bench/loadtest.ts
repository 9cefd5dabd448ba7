// The load shapes of OpenFaaS's autoscaler tests against a real platform, with a picture of each; see docs/scaling.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ScalingReport } from '../src/model/scaling-report.ts';
import { startPlatform, type TestPlatform } from '../test/support/platform.ts';
import { deployAll } from './functions.ts';
import { percentile } from './load.ts';
import { drive } from './loadtest/drive.ts';
import { drawPicture, type Moment } from './loadtest/picture.ts';
import { handler, type Mode, modes, type Shape, shapes } from './loadtest/shapes.ts';

const { values } = parseArgs({
  options: {
    factor: { type: 'string', default: '0.1' },
    out: { type: 'string', default: join(import.meta.dirname, 'pictures') },
    only: { type: 'string', default: '' },
  },
});
/** At factor 1 a shape takes ten minutes. */
const lengthMs = Number(values.factor) * 600_000;
const out = resolve(values.out);
mkdirSync(out, { recursive: true });

const platform = await startPlatform();
try {
  console.log('| shape | calls | errors | most wanted | most ready | p50 | p99 |\n|---|---|---|---|---|---|---|');
  for (const mode of modes) {
    for (const shape of shapes) {
      if (`${shape.name}-${mode.type}`.includes(values.only)) console.log(await run(platform, mode, shape));
    }
  }
} finally {
  await platform.dispose();
}

/** Each shape has a function of its own, which knows nothing of the one before. */
async function run(on: TestPlatform, mode: Mode, shape: Shape): Promise<string> {
  const name = `load-${shape.name}-${mode.type}`;
  await deployAll(on, { lang: 'node', files: { 'handler.js': handler } }, [name], mode.labels);
  const moments: Moment[] = [];
  const rate = (atMs: number): number => mode.peakPerSecond * shape.level(atMs / lengthMs);
  const driven = await drive(`${on.url}/function/${name}?${mode.query}`, lengthMs, rate, async (atMs) => {
    const { desired = 0, ready } = await report(on, name);
    moments.push({ atMs, load: rate(atMs) * mode.loadPerRate, desired, ready });
  });
  await on.fetch('/system/functions', { method: 'DELETE', body: JSON.stringify({ functionName: name }) });
  const title = `${shape.name}, ${mode.type}`;
  writeFileSync(join(out, `${shape.name}-${mode.type}.svg`), drawPicture({ title, unit: mode.unit, moments }));
  const most = (of: (moment: Moment) => number): number => Math.max(...moments.map(of));
  const [p50, p99] = [0.5, 0.99].map((share) => percentile(driven.latenciesMs, share).toFixed(0));
  return `| ${[title, driven.calls, driven.errors, most(({ desired }) => desired), most(({ ready }) => ready), `${p50} ms`, `${p99} ms`].join(' | ')} |`;
}

async function report(on: TestPlatform, name: string): Promise<ScalingReport> {
  return (await (await on.fetch(`/system/function/${name}/scaling`)).json()) as ScalingReport;
}
