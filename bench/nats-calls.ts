import { natsProgram, startNats } from '../test/support/nats-server.ts';
import { startPlatform, type TestPlatform } from '../test/support/platform.ts';
import { deployAll, nodeHello } from './functions.ts';
import { percentile } from './load.ts';
import type { Figure } from './report.ts';
import { acceptCalls, executeCalls, roomyFlags } from './stored-calls.ts';

const rounds = 3;

interface Rates {
  readonly accepted: number[];
  readonly executed: number[];
}

/** Stored calls in NATS beside those in SQLite, in rounds that alternate, each on a platform of its own. */
export async function measureNatsCalls(note: (text: string) => void): Promise<Figure[]> {
  const program = natsProgram();
  if (program === undefined) throw new Error('the bench needs nats-server, which is built with go');
  const last: (() => void | Promise<void>)[] = [];
  try {
    const server = await startNats({ after: (fn) => void last.unshift(fn) }, program);
    const start = async (flags: readonly string[]): Promise<TestPlatform> => {
      const platform = await startPlatform([...roomyFlags, ...flags]);
      last.unshift(() => platform.dispose());
      await deployAll(platform, nodeHello, ['hello']);
      return platform;
    };
    const sqlite = await start([]);
    const nats = await start(['--nats', server.url]);
    for (const platform of [sqlite, nats]) await acceptCalls(platform);
    const [ofSqlite, ofNats]: [Rates, Rates] = [
      { accepted: [], executed: [] },
      { accepted: [], executed: [] },
    ];
    for (let round = 1; round <= rounds; round += 1) {
      note(`round ${round} of ${rounds}`);
      for (const [platform, rates] of [
        [sqlite, ofSqlite],
        [nats, ofNats],
      ] as const) {
        rates.accepted.push(await acceptCalls(platform));
        rates.executed.push(await executeCalls(platform));
      }
      note(JSON.stringify([ofSqlite, ofNats]));
    }
    return [
      ...figuresOf('accepted', ofSqlite.accepted, ofNats.accepted),
      ...figuresOf('executed', ofSqlite.executed, ofNats.executed),
    ];
  } finally {
    for (const fn of last) await fn();
  }
}

function figuresOf(what: string, sqlite: readonly number[], nats: readonly number[]): Figure[] {
  const ratios = nats.map((rate, at) => rate / (sqlite[at] ?? Number.NaN));
  return [
    { measure: `stored calls ${what} in SQLite`, value: percentile(sqlite, 0.5), unit: 'requests/s' },
    { measure: `stored calls ${what} in NATS`, value: percentile(nats, 0.5), unit: 'requests/s' },
    { measure: `${what} in NATS`, value: percentile(ratios, 0.5), unit: '× SQLite' },
  ];
}
