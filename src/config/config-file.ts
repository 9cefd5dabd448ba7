import { readFileSync } from 'node:fs';
import { TinderboxError } from '../model/errors.ts';

/** What a `tinderbox.yaml` says: its settings flattened to `a.b`, and the variables builds are given. */
export interface ConfigFile {
  readonly values: Readonly<Record<string, string>>;
  readonly buildEnv: Readonly<Record<string, string>>;
}

/** Reads it. A file that was asked for by name must exist; the default one may be absent. */
export async function readConfigFile(path: string, required: boolean): Promise<ConfigFile> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === 'ENOENT') return { values: {}, buildEnv: {} };
    throw new TinderboxError('config', `cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  // The YAML reader is large, and most platforms have no such file.
  const { parseConfigFile } = await import('./parse-config-file.ts');
  return parseConfigFile(text, path);
}
