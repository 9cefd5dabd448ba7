import { homedir } from 'node:os';
import type { Config } from './config.ts';
import { readConfigFile } from './config-file.ts';
import { resolveConfig } from './resolve-config.ts';
import type { SettingName } from './settings-table.ts';

/** Reads environment and file, adds the flags. `configPath`: file asked for by name; default `./tinderbox.yaml` if there. */
export async function loadConfig(
  flags: Readonly<Partial<Record<SettingName, string>>>,
  configPath?: string,
): Promise<Config> {
  const path = configPath ?? process.env['TINDERBOX_CONFIG'];
  const fileName = path ?? 'tinderbox.yaml';
  const file = await readConfigFile(fileName, path !== undefined);
  return resolveConfig({
    flags,
    env: process.env,
    file: file.values,
    fileName,
    buildEnv: { ...registrySettings(process.env), ...file.buildEnv },
    home: homedir(),
    uid: process.getuid?.() ?? -1,
  });
}

/** Variables of the registries' own clients that a build may see; nothing else of the environment reaches it. */
const registryVariables = [
  'NPM_CONFIG_REGISTRY',
  'npm_config_registry',
  'PIP_INDEX_URL',
  'PIP_EXTRA_INDEX_URL',
  'PIP_FIND_LINKS',
  'PIP_CERT',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
];

function registrySettings(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(registryVariables.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
