import { resolve } from 'node:path';
import type { TemplateSource } from './stack-file.ts';
import type { Place, YamlReader } from './yaml-reader.ts';

/** `configuration:` of a stack file: templates and where they come from, and what is copied into every handler. */
export interface StackConfiguration {
  readonly templates: readonly TemplateSource[];
  /** Absolute. */
  readonly copy: readonly string[];
}

export function readConfiguration(reader: YamlReader, place: Place | undefined, directory: string): StackConfiguration {
  if (place === undefined) return { templates: [], copy: [] };
  const fields = reader.fields(place, ['templates', 'copy']);
  const templates = fields.get('templates');
  const copy = fields.get('copy');
  return {
    templates: (templates === undefined ? [] : reader.items(templates)).map((item) => readTemplate(reader, item)),
    copy: (copy === undefined ? [] : reader.items(copy)).map((item) => readCopied(reader, item, directory)),
  };
}

function readTemplate(reader: YamlReader, item: Place): TemplateSource {
  const fields = reader.fields(item, ['name', 'source']);
  const [name = '', source = ''] = [fields.get('name'), fields.get('source')].map((field) =>
    field === undefined ? '' : reader.text(field).trim(),
  );
  if (name === '') reader.note(item.node, `${item.path} has no name`);
  return { name, ...(source === '' ? {} : { source }) };
}

/** As with faas-cli: only what belongs to the project, and not all of it. */
function readCopied(reader: YamlReader, item: Place, directory: string): string {
  const text = reader.text(item);
  const path = resolve(directory, text);
  if (!path.startsWith(`${directory}/`)) {
    reader.note(item.node, `${item.path} "${text}" is not below the folder of the stack file`);
  }
  return path;
}
