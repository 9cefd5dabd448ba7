import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { obtainDebianProgram } from './debian-package.ts';
import { freePort } from './free-port.ts';
import type { Obtained } from './go-program.ts';
import { type RunningServer, runServer } from './run-server.ts';

/** The folder that is shipped. */
export const deployedPrometheus = resolve(import.meta.dirname, '../../deploy/prometheus');

export function obtainPrometheus(): Obtained {
  return obtainDebianProgram('prometheus');
}

/** What differs from the configuration that is shipped. */
export interface PrometheusPlace {
  /** Where the platform's metrics are, `host:port`. */
  readonly platform: string;
  /** Default: nobody listens there. */
  readonly alertmanager?: string;
  /** An exporter of NATS. Default none. */
  readonly nats?: string;
  /** Between two scrapes, and two evaluations; default 200 ms. */
  readonly intervalMs?: number;
}

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface RunningPrometheus extends RunningServer {
  readonly url: string;
  /** Series of an instant query; none while it does not answer. Throws what it has against the query. */
  query(text: string): Promise<readonly Series[]>;
  /** Anything else of its API: the `data` of the answer. */
  get(path: string): Promise<unknown>;
}

/** Runs it with the configuration and the rules that are shipped, copied into `dir` and led to where things are. */
export async function startPrometheus(file: string, dir: string, place: PrometheusPlace): Promise<RunningPrometheus> {
  cpSync(deployedPrometheus, dir, { recursive: true });
  const config = join(dir, 'prometheus.yml');
  const interval = `${place.intervalMs ?? 200}ms`;
  const text = readFileSync(config, 'utf8')
    .replaceAll(/_interval: 5s/g, `_interval: ${interval}`)
    .replaceAll('127.0.0.1:8082', place.platform)
    .replaceAll('127.0.0.1:9093', place.alertmanager ?? '127.0.0.1:9');
  writeFileSync(config, text);
  if (place.nats !== undefined) writeFileSync(join(dir, 'targets/nats.yml'), `- targets: ['${place.nats}']\n`);
  const port = await freePort();
  const server = runServer(
    file,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      '--enable-feature=exemplar-storage',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    dir,
    join(dir, 'prometheus.log'),
  );
  const url = `http://127.0.0.1:${port}`;
  const get = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${url}/api/v1/${path}`).catch(() => undefined);
    if (answer === undefined || answer.status === 503) return undefined;
    const { data, error } = (await answer.json()) as { readonly data?: unknown; readonly error?: string };
    if (error !== undefined) throw new Error(`Prometheus refuses ${path}: ${error}`);
    return data;
  };
  return { url, get, query: async (text) => seriesOf(await get(`query?query=${encodeURIComponent(text)}`)), ...server };
}

type Sample = readonly [atS: number, value: string];

interface QueryData {
  readonly resultType: string;
  readonly result: Sample | readonly { readonly metric: Record<string, string>; readonly value: Sample }[];
}

function seriesOf(data: unknown): readonly Series[] {
  if (data === undefined) return [];
  const { resultType, result } = data as QueryData;
  if (resultType === 'scalar') return [{ labels: {}, value: Number((result as Sample)[1]) }];
  const found = result as readonly { readonly metric: Record<string, string>; readonly value: Sample }[];
  return found.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
}
