import { TinderboxError } from '../model/errors.ts';
import { yamlProblem } from '../model/yaml-problem.ts';
import type { BuildOrder } from './build-order.ts';
import { type Dockerfile, parseDockerfile } from './dockerfile.ts';
import type { LanguagePlan, SourceView } from './language-builder.ts';
import { parseMode } from './program-order.ts';

/** A template pulled from a repository of OpenFaaS's kind, with the handler in its place. */
export interface TemplateSource {
  /** Everything: the template's own files, and the handler below `handlerFolder`. */
  readonly view: SourceView;
  /** `function`, or what template.yml says. */
  readonly handlerFolder: string;
  readonly dockerfile: Dockerfile;
  /** Command line of what serves the calls: of the order, template.yml or the Dockerfile. */
  readonly process: string | undefined;
  readonly mode: 'fork' | 'http';
  /** Port the program listens on by itself, where `upstream_url` tells. */
  readonly port: number | undefined;
}

/** Variables that choose how a function is run, which is said otherwise here, or belong to the place it is built in. */
const settled = /^(fprocess|function_process|mode|upstream_url|http_upstream_url|PATH|HOME|TMPDIR|PORT|port)$/;
/** The function's own environment has these; the platform reads them at deploy and not from an artifact. */
const limits = /^(exec_timeout|read_timeout|write_timeout|healthcheck_interval|max_inflight)$/;

/** Values that mean something only inside the image: its folders, or variables of its build. */
const inImage = /\$|\/home\/app/;

/** The template a source is in the shape of; undefined: it is a handler alone. */
export async function readTemplateSource(view: SourceView, order: BuildOrder): Promise<TemplateSource | undefined> {
  const dockerfileText = await view.read('Dockerfile');
  const manifest = await readManifest(view);
  if (dockerfileText === undefined && manifest === undefined) return undefined;
  const handlerFolder = folderName(manifest?.handlerFolder);
  if (![...view.files.keys()].some((path) => path.startsWith(`${handlerFolder}/`))) return undefined;
  const dockerfile = parseDockerfile(dockerfileText ?? '');
  const { env } = dockerfile;
  const upstream = env['upstream_url'] ?? env['http_upstream_url'];
  const mode = parseMode(order.mode ?? env['mode']) ?? (upstream === undefined ? 'fork' : 'http');
  const process = order.process ?? manifest?.fprocess ?? env['fprocess'] ?? env['function_process'];
  return { view, handlerFolder, dockerfile, process, mode, port: mode === 'http' ? portOf(upstream) : undefined };
}

/** What of the Dockerfile a template's function has, and lines that name what it has not. */
export function settingsOf({ dockerfile, mode }: TemplateSource): Pick<LanguagePlan, 'env' | 'notes'> {
  const { env, images, commands } = dockerfile;
  const others = Object.entries(env).filter(([name]) => !settled.test(name) && !limits.test(name));
  const kept = others.filter(([, value]) => !inImage.test(value));
  const streams = mode === 'fork' && env['mode'] === 'streaming' ? [['mode', 'streaming'] as const] : [];
  const left = Object.entries(env).filter(([name]) => limits.test(name));
  const foreign = others.filter(([, value]) => inImage.test(value));
  const notes = [
    ...(images.length === 0
      ? []
      : [`Dockerfile: images are not used (${images.join(', ')}): the machine's own tools are`]),
    ...commands.flatMap(partsOf).map((part) => `Dockerfile: not run: ${shorten(part)}`),
    ...left.map(
      ([name, value]) => `Dockerfile: ENV ${name}=${value} is not used: set it in the function's environment`,
    ),
    ...foreign.map(([name, value]) => `Dockerfile: ENV ${name}=${value} is not used: it speaks of the image`),
  ];
  return { env: Object.fromEntries([...kept, ...streams]), notes };
}

interface TemplateManifest {
  readonly handlerFolder: string | undefined;
  readonly fprocess: string | undefined;
}

/** Those of templates have a few hundred bytes; the parser's time grows with more than the length of what is odd. */
const longestManifest = 16 * 1024;

async function readManifest(view: SourceView): Promise<TemplateManifest | undefined> {
  const text = await view.read('template.yml');
  if (text === undefined) return undefined;
  if (text.length > longestManifest) {
    throw new TinderboxError(
      'too-large',
      `template.yml has ${text.length} characters, at most ${longestManifest} are read`,
    );
  }
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { prettyErrors: true });
  const [wrong] = document.errors;
  if (wrong !== undefined) throw new TinderboxError('invalid', `template.yml cannot be read: ${yamlProblem(wrong)}`);
  try {
    const value: unknown = document.toJS({ maxAliasCount: 0 });
    const fields = (typeof value === 'object' ? value : null) as Record<string, unknown> | null;
    return { handlerFolder: textOf(fields?.['handler_folder']), fprocess: textOf(fields?.['fprocess']) };
  } catch (cause) {
    const line = (cause as Error).message.split('\n')[0];
    throw new TinderboxError('invalid', `template.yml cannot be read: ${line}`, { cause });
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function folderName(text: string | undefined): string {
  const name = (text ?? 'function').replace(/^\.\/|\/+$/g, '');
  if (!name.startsWith('/') && !name.split('/').includes('..') && name !== '') return name;
  throw new TinderboxError('invalid', `template.yml: handler_folder "${shorten(name)}" leaves the template`);
}

function portOf(upstream: string | undefined): number | undefined {
  const port = Number(/:(\d{2,5})\b/.exec(upstream ?? '')?.[1]);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

/** The parts of a command that nothing here takes the place of: packages of the image, tests, checks of style. */
function partsOf(command: string): readonly string[] {
  const parts = command.replace(/--mount=\S+\s*/g, '').split(/&&|;/);
  const commands = parts.map((part) => part.trim().replace(/^(if|then|else|do)\s+/, ''));
  return commands.filter((part) => part !== '' && !replaced.test(part));
}

/** Users and folders of the image, and what the language's own steps do. */
const replaced =
  /^(\[|test |echo |exit |true$|fi$|\}|mkdir|chmod|chown|addgroup|adduser|useradd|groupadd|touch|find \.|fi|npm (i|install|ci)\b|pip3? install\b|composer install\b|bundle install\b|([A-Z_]+=\S+ )*go build\b)/;

function shorten(text: string): string {
  const plain = text.replace(/\s+/g, ' ');
  return plain.length > 160 ? `${plain.slice(0, 157)}…` : plain;
}
