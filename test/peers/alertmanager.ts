import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { obtainDebianProgram } from './debian-package.ts';
import { freePort } from './free-port.ts';
import type { Obtained } from './go-program.ts';
import { type RunningServer, runServer } from './run-server.ts';

const deployed = resolve(import.meta.dirname, '../../deploy/alertmanager');

export function obtainAlertmanager(): Obtained {
  return obtainDebianProgram('prometheus-alertmanager');
}

/** Where alerts go, and how often. */
export interface AlertmanagerPlace {
  /** The platform's API, without a path. */
  readonly platformUrl: string;
  readonly passwordFile: string;
  /** Replaces the times that are shipped: text → text. */
  readonly times?: Readonly<Record<string, string>>;
}

/** Runs it with the configuration that is shipped, copied into `dir`. Its cluster listens nowhere. */
export async function startAlertmanager(
  file: string,
  dir: string,
  place: AlertmanagerPlace,
): Promise<RunningServer & { readonly address: string }> {
  cpSync(deployed, dir, { recursive: true });
  const config = join(dir, 'alertmanager.yml');
  let text = readFileSync(config, 'utf8').replaceAll('http://127.0.0.1:8080', place.platformUrl);
  for (const [from, to] of Object.entries(place.times ?? {})) text = text.replaceAll(from, to);
  writeFileSync(config, text.replace('password_file: password', `password_file: ${place.passwordFile}`));
  const address = `127.0.0.1:${await freePort()}`;
  const flags = [`--config.file=${config}`, `--storage.path=${join(dir, 'data')}`, '--cluster.listen-address='];
  const { command, before } = overItsFiles(file);
  const args = [...before, ...flags, `--web.listen-address=${address}`];
  return { ...runServer(command, args, dir, join(dir, 'alertmanager.log')), address };
}

/** Debian's wants its templates below /usr/share: where it is only unpacked, they are laid over it for it alone. */
function overItsFiles(file: string): { readonly command: string; readonly before: readonly string[] } {
  const share = join(dirname(file), '../share');
  if (existsSync('/usr/share/prometheus/alertmanager') || !existsSync(join(share, 'prometheus/alertmanager'))) {
    return { command: file, before: [] };
  }
  const script = `mount -t overlay overlay -o "lowerdir=${resolve(share)}:/usr/share" /usr/share && exec "$@"`;
  return { command: 'unshare', before: ['--map-root-user', '--mount', 'sh', '-c', script, 'alertmanager', file] };
}
