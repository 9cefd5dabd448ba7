import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import { downloadText, isWebAddress } from '../download-text.ts';
import type { Shell } from '../terminal/shell.ts';

/** One entry of a template store: OpenFaaS's `templates.json`. */
export interface TemplateInfo {
  readonly template: string;
  readonly platform: string;
  readonly language: string;
  readonly source: string;
  readonly description: string;
  readonly repo: string;
  /** `"true"` where OpenFaaS itself keeps it. */
  readonly official: string;
  readonly recommended: boolean;
}

const defaultStore = 'https://raw.githubusercontent.com/openfaas/store/master/templates.json';
const storeTimeoutMs = 5000;
const maxStoreBytes = 8 * 2 ** 20;

/**
 * Reads a store: the address or file given, else `OPENFAAS_TEMPLATE_STORE_URL`, else OpenFaaS's own. Recommended ones come
 * first, then by name. Throws `unavailable` when it cannot be reached, `bad-reply` when it is none.
 */
export async function loadTemplateStore(shell: Shell, url: string | undefined): Promise<readonly TemplateInfo[]> {
  const configured = shell.env['OPENFAAS_TEMPLATE_STORE_URL'] ?? '';
  const address = url ?? (configured === '' ? defaultStore : configured);
  const text = isWebAddress(address) ? await fetchText(shell, address) : await readText(shell, address);
  const entries = parseStore(text, address);
  const rank = (entry: TemplateInfo): number => (entry.recommended ? 0 : entry.official === 'true' ? 1 : 2);
  return [...entries].sort((a, b) => rank(a) - rank(b) || a.template.localeCompare(b.template, 'en'));
}

/** The entry called `name`, or `source/name`, whatever version stands behind an `@`. Throws `not-found`. */
export function findTemplateInfo(store: readonly TemplateInfo[], name: string): TemplateInfo {
  const base = name.split('@')[0] ?? name;
  const found = store.find((entry) => entry.template === base || `${entry.source}/${entry.template}` === base);
  if (found !== undefined) return found;
  throw new TinderboxError('not-found', `the template store has no "${base}"`, {
    hint: 'tinderbox template store list shows what it has, tinderbox new --list what needs no store',
  });
}

async function fetchText(shell: Shell, address: string): Promise<string> {
  return downloadText(shell, address, {
    what: `the template store ${address}`,
    timeoutMs: storeTimeoutMs,
    maxBytes: maxStoreBytes,
    hint: 'tinderbox new --list shows the templates that come along; another store: --url ADDRESS or FILE',
  });
}

async function readText(shell: Shell, file: string): Promise<string> {
  return readFile(resolve(shell.cwd, file.replace(/^file:\/\//, '')), 'utf8').catch((cause: Error) => {
    throw new TinderboxError('not-found', `the template store ${file} cannot be read: ${cause.message}`, { cause });
  });
}

function parseStore(text: string, address: string): readonly TemplateInfo[] {
  try {
    const entries: unknown = JSON.parse(text);
    if (Array.isArray(entries) && entries.every(isEntry)) return entries.map(completed);
  } catch {
    // Reported below, like a list of something else.
  }
  throw new TinderboxError('bad-reply', `${address} is not a template store: a list of templates is expected`);
}

function isEntry(value: unknown): value is Pick<TemplateInfo, 'template' | 'repo'> & Partial<TemplateInfo> {
  const entry = value as Partial<TemplateInfo> | null;
  return typeof entry?.template === 'string' && typeof entry.repo === 'string';
}

function completed(entry: Pick<TemplateInfo, 'template' | 'repo'> & Partial<TemplateInfo>): TemplateInfo {
  const empty = { platform: 'x86_64', language: '', source: '', description: '', official: 'false' };
  return { ...empty, ...entry, recommended: entry.recommended === true };
}
