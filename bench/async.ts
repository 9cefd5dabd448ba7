// The stored calls of `npm run bench` alone: `node bench/async.ts [FILE]`; `BENCH_BACKLOG` is how many wait beside them.
import { writeFileSync } from 'node:fs';
import { ensureLoadGenerator } from './load.ts';
import { formatJson, formatTable, holds } from './report.ts';
import { measureNatsCalls } from './nats-calls.ts';
import { measureStoredCalls } from './stored-calls.ts';

ensureLoadGenerator();
const backlog = Number(process.env['BENCH_BACKLOG'] ?? 1_000_000);
const note = (text: string): void => console.error(`bench: ${text}`);
const nats = process.argv.includes('--nats');
const figures = nats ? await measureNatsCalls(note) : await measureStoredCalls(backlog, note);
console.log(formatTable(figures));
console.log(formatJson(figures));
const [jsonFile] = process.argv.slice(2).filter((word) => word !== '--nats');
if (jsonFile !== undefined) writeFileSync(jsonFile, `${formatJson(figures)}\n`);
process.exitCode = figures.every(holds) ? 0 : 1;
