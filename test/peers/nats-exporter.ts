import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { useNats } from '../support/nats-server.ts';
import { tempDir } from '../support/temp-dir.ts';
import { freePort } from './free-port.ts';
import { runServer } from './run-server.ts';

/** A nats-server and the exporter beside it, as `deploy/prometheus/prometheus.yml` says; where it can be scraped. */
export async function startNatsExporter(t: TestContext, file: string): Promise<string | undefined> {
  const [monitored, served] = [await freePort(), await freePort()];
  const config = `http: "127.0.0.1:${monitored}"\njetstream { store_dir: "DIR/js" }`;
  if ((await useNats(t, { config })) === undefined) return undefined;
  const dir = tempDir(t);
  const words = ['-a', '127.0.0.1', '-p', String(served), '-varz', '-jsz=all', `http://127.0.0.1:${monitored}`];
  const exporter = runServer(file, words, dir, join(dir, 'log'));
  t.after(() => exporter.close());
  return `127.0.0.1:${served}`;
}
