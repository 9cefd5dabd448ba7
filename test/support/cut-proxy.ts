import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** A way to a port that can be cut: then nothing passes, nothing is refused, and nobody is told. */
export interface CutProxy {
  readonly port: number;
  /** Of what is sent after it, `answers`: only what comes back is dropped. */
  cut(what?: 'both' | 'answers'): void;
  mend(): void;
}

export async function useCutProxy(t: TestContext, target: number): Promise<CutProxy> {
  const sockets = new Set<Socket>();
  let cut: 'nothing' | 'both' | 'answers' = 'nothing';
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    const drops = (isAnswer: boolean): boolean => cut === 'both' || (cut === 'answers' && isAnswer);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => void (drops(from === upstream) || to.write(chunk)));
      // What ends while it is cut is not told either.
      from.on('close', () => {
        sockets.delete(from);
        if (cut === 'nothing') to.destroy();
      });
      from.on('error', () => undefined);
    }
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const end = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  t.after(() => {
    server.close();
    end();
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut(what = 'both') {
      cut = what;
    },
    mend() {
      cut = 'nothing';
      end();
    },
  };
}
