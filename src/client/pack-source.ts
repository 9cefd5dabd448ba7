import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';
import { TinderboxError } from '../model/errors.ts';
import { isEditorLeftover } from './editor-leftovers.ts';

/** What the platform is to make of the source; the config entry of the archive. */
export interface PackConfig {
  readonly image: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly lang?: string;
  readonly process?: string;
  readonly mode?: string;
  readonly noCache?: boolean;
  /** For builders of containers. */
  readonly platforms?: readonly string[];
}

/** One folder, or file, of a source made of several. */
export interface SourceLayer {
  readonly path: string;
  /** Folder of the source it is put into; `` is the top. */
  readonly at: string;
  /** Takes `build` and `template` at its top too, which a handler folder leaves out; default false. */
  readonly whole?: boolean;
}

/** A file as it is sent. */
export interface PackedFile {
  /** In the source, with `/`. */
  readonly path: string;
  /** Absolute, with links followed. */
  readonly file: string;
  readonly executable: boolean;
  readonly bytes: number;
}

const skippedAnywhere = new Set(['node_modules', '.git', '.hg', '.svn', '__pycache__', '.venv', '.DS_Store']);
const skippedAtTop = new Set(['build', 'template']);
/** Where cargo and Maven put what they make, beside the file they read. */
const compiledTo = { files: new Set(['Cargo.toml', 'pom.xml']), folder: 'target' };
const maxFiles = 20_000;
const maxBytes = 512 * 2 ** 20;

/**
 * Packs a folder, a single file, or layers of them (the later one's files take the place of the earlier one's), as a source
 * archive in the shape of OpenFaaS's builder. The same files give the same bytes: sorted, no owners, no times. Left out are
 * `node_modules`, `.git`, `__pycache__`, `.venv` and what editors leave anywhere, `target` beside a Cargo.toml or pom.xml, and
 * `build` and `template` at the top. A link is sent as the file it stands for. Throws `not-found`, `invalid` for a link that
 * leaves the folder or something that is no file, `too-large` beyond 20,000 files or 512 MiB. `sealedSecrets` become the
 * entry `com.openfaas.secrets`.
 */
export async function packSource(
  source: string | readonly SourceLayer[],
  config: PackConfig,
  sealedSecrets?: string,
): Promise<Readable> {
  const files = await listSource(source);
  const archive = pack();
  const settings = JSON.stringify({ buildArgs: {}, ...config });
  void fill(archive, files, settings, sealedSecrets).catch((error: Error) => archive.destroy(error));
  return Readable.from(archive as AsyncIterable<Buffer>, { objectMode: false });
}

/** What {@link packSource} packs, sorted by path; throws the same. */
export async function listSource(source: string | readonly SourceLayer[]): Promise<readonly PackedFile[]> {
  const layers = typeof source === 'string' ? [{ path: source, at: '' }] : source;
  const found = new Map<string, PackedFile>();
  for (const layer of layers) for (const file of await listLayer(layer)) found.set(file.path, file);
  const files = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const shown = layers.map(({ path }) => `"${path}"`).join(' with ');
  if (files.length === 0) throw new TinderboxError('invalid', `${shown} holds no file to send`);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (files.length > maxFiles || bytes > maxBytes) {
    throw new TinderboxError(
      'too-large',
      `${shown} has ${files.length} files with ${bytes} bytes, the limit is ${maxFiles} files and ${maxBytes} bytes`,
    );
  }
  return files;
}

async function listLayer({ path, at, whole = false }: SourceLayer): Promise<readonly PackedFile[]> {
  const root = await realpath(path).catch((cause: unknown) => {
    throw new TinderboxError('not-found', `there is no source at "${path}"`, { cause });
  });
  const stats = await stat(root);
  const skipped = whole ? new Set<string>() : skippedAtTop;
  if (!stats.isDirectory()) return [await listFile(root, root, at === '' ? basename(root) : at)];
  const files = await listFolder(root, '', skipped);
  return at === '' ? files : files.map((file) => ({ ...file, path: `${at}/${file.path}` }));
}

async function listFolder(root: string, folder: string, skipped: ReadonlySet<string>): Promise<PackedFile[]> {
  const found: PackedFile[] = [];
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const compiles = entries.some(({ name }) => compiledTo.files.has(name));
  for (const entry of entries) {
    if (compiles && entry.name === compiledTo.folder) continue;
    if (skippedAnywhere.has(entry.name) || (folder === '' && skipped.has(entry.name))) continue;
    if (isEditorLeftover(entry.name)) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await listFolder(root, path, skipped)));
    else found.push(await listFile(root, join(root, path), path));
    if (found.length > maxFiles) break;
  }
  return found;
}

async function listFile(root: string, file: string, path: string): Promise<PackedFile> {
  const real = await realpath(file).catch((cause: unknown) => {
    throw new TinderboxError('invalid', `source link "${path}" leads nowhere`, { cause });
  });
  if (real !== root && relative(root, real).split(sep)[0] === '..') {
    throw new TinderboxError('invalid', `source link "${path}" leaves the folder, to ${real}`);
  }
  const stats = await stat(real);
  if (!stats.isFile()) throw new TinderboxError('invalid', `source entry "${path}" is no file`);
  return { path, file: real, executable: (stats.mode & 0o111) !== 0, bytes: stats.size };
}

async function fill(
  archive: Pack,
  files: readonly PackedFile[],
  config: string,
  sealedSecrets: string | undefined,
): Promise<void> {
  const fixed = { mtime: new Date(0), uid: 0, gid: 0 };
  archive.entry({ ...fixed, name: 'com.openfaas.docker.config', mode: 0o644 }, config);
  if (sealedSecrets !== undefined)
    archive.entry({ ...fixed, name: 'com.openfaas.secrets', mode: 0o600 }, sealedSecrets);
  for (const { path, file, executable, bytes } of files) {
    const mode = executable ? 0o755 : 0o644;
    const header = { ...fixed, name: `context/${path}`, mode, size: bytes };
    if (bytes === 0) {
      archive.entry(header, '');
      continue;
    }
    const entry = archive.entry(header);
    await pipeline(createReadStream(file, { end: bytes - 1 }), entry);
  }
  archive.finalize();
}
