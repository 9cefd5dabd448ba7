import { type Node, LineCounter, parseDocument } from 'yaml';
import { TinderboxError } from '../../model/errors.ts';
import { yamlProblem } from '../../model/yaml-problem.ts';
import { createYamlReader, type Place, type YamlReader } from '../stack/yaml-reader.ts';

/** `template.yml` in OpenFaaS's format. */
export interface TemplateManifest {
  readonly language?: string;
  /** Command line of what serves the calls. */
  readonly fprocess?: string;
  /** Folder of the template that the function's source takes the place of; default `function`. */
  readonly handlerFolder: string;
  /** Packages that `build_options` of a function stand for. */
  readonly buildOptions: Readonly<Record<string, readonly string[]>>;
  /** Shown after `new`. */
  readonly welcomeMessage?: string;
}

const known = [
  'language',
  'fprocess',
  'build_options',
  'welcome_message',
  'handler_folder',
  'mount_ssh',
  'environment',
];

/** Throws `invalid` with file, line and column of the first thing that is wrong. */
export function parseTemplateManifest(text: string, file: string): TemplateManifest {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const refuse = (offset: number, message: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new TinderboxError('invalid', `${file}:${line}:${col}: ${message}`);
  };
  const [broken] = document.errors;
  if (broken !== undefined) refuse(broken.pos[0], yamlProblem(broken));
  const reader = createYamlReader(document, (node, message) => refuse(node?.range?.[0] ?? 0, message));
  const fields = reader.fields({ node: document.contents as Node | null, path: 'template.yml' }, known);
  const textAt = (name: string): string => {
    const field = fields.get(name);
    return field === undefined ? '' : reader.text(field).trim();
  };
  const [language, fprocess, folder] = [textAt('language'), textAt('fprocess'), textAt('handler_folder')];
  const welcomeMessage = textAt('welcome_message');
  assertHandlerFolder(folder, file);
  return {
    ...(language === '' ? {} : { language }),
    ...(fprocess === '' ? {} : { fprocess }),
    ...(welcomeMessage === '' ? {} : { welcomeMessage }),
    handlerFolder: folder === '' ? 'function' : folder.replace(/^\.\/|\/+$/g, ''),
    buildOptions: readBuildOptions(reader, fields.get('build_options')),
  };
}

function assertHandlerFolder(folder: string, file: string): void {
  if (!folder.startsWith('/') && !folder.split('/').includes('..')) return;
  throw new TinderboxError('invalid', `${file}: handler_folder "${folder}" leaves the template`);
}

function readBuildOptions(reader: YamlReader, place: Place | undefined): Record<string, readonly string[]> {
  if (place === undefined) return {};
  const options = reader.items(place).map((item) => {
    const fields = reader.fields(item, ['name', 'packages']);
    const [name, packages] = [fields.get('name'), fields.get('packages')];
    const list = packages === undefined ? [] : reader.items(packages).map((entry) => reader.text(entry));
    return [name === undefined ? '' : reader.text(name), list] as const;
  });
  return Object.fromEntries(options);
}
