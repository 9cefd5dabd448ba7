import type { Command } from 'commander';
import { type Client, createClient } from '../../client/client.ts';
import type { Shell } from '../terminal/shell.ts';
import { findCredentials } from './credentials.ts';
import { resolveGateway } from './gateway.ts';
import { tracingFetch } from './trace-requests.ts';

/** Values of the flags every command has that talks to a platform. */
export interface ConnectionFlags {
  readonly gateway?: string;
  readonly dataDir?: string;
  /** Takes any certificate. */
  readonly tlsNoVerify?: boolean;
  /** A bearer token, in place of a saved login. */
  readonly token?: string;
}

export function addConnectionFlags(command: Command): Command {
  return command
    .option('-g, --gateway <url>', 'address of the platform (OPENFAAS_URL, or http://127.0.0.1:8080)')
    .option('--data-dir <folder>', 'data folder of a platform on this machine, to find its password')
    .option('--tls-no-verify', 'take any certificate of the gateway')
    .option('-k, --token <token>', 'bearer token, in place of a saved login');
}

export function addNamespaceFlag(command: Command): Command {
  return command.option('-n, --namespace <name>', 'namespace (openfaas-fn)');
}

/** The client for the gateway that flags, stack file and environment name. */
export async function connect(shell: Shell, flags: ConnectionFlags, yamlGateway?: string): Promise<Client> {
  const gateway = resolveGateway({ flag: flags.gateway, yaml: yamlGateway, env: shell.env['OPENFAAS_URL'] });
  const credentials =
    flags.token === undefined ? await findCredentials(shell, gateway, flags.dataDir) : { token: flags.token };
  const anyCertificate = flags.tlsNoVerify === true;
  const fetch = tracingFetch(shell, { anyCertificate });
  return createClient({ gateway, credentials, signal: shell.signal, anyCertificate, fetch });
}
