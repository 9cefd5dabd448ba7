import { TinderboxError } from '../../model/errors.ts';
import { assertName } from '../../model/names.ts';
import type { StackTrigger } from './stack-file.ts';
import type { Entry, Place, YamlReader } from './yaml-reader.ts';

type Reading = 'text' | 'texts' | 'list' | 'count' | 'flag' | 'map';
type Known = Readonly<Record<string, Reading>>;

/** `list` may be written as one text. */
const schedule: Known = {
  expressions: 'list',
  timezone: 'text',
  missed: 'text',
  overlap: 'text',
  body: 'text',
};

const nats: Known = {
  subject: 'text',
  servers: 'list',
  secret: 'text',
  queueGroup: 'text',
  stream: 'text',
  createStream: 'flag',
  durable: 'text',
  deliver: 'text',
};

const trigger: Known = {
  method: 'text',
  path: 'text',
  headers: 'map',
  paused: 'flag',
  concurrency: 'count',
  attempts: 'count',
  minWait: 'text',
  maxWait: 'text',
  responseTopic: 'text',
  errorTopic: 'text',
};

const sources: Readonly<Record<string, Known>> = { schedule, nats };

/** The triggers of a function, by name; what the values may be the platform says, fields and their shapes are checked here. */
export function readTriggers(reader: YamlReader, place: Place | undefined): readonly StackTrigger[] {
  if (place === undefined) return [];
  return reader.entries(place).map((entry) => {
    try {
      assertName('trigger', entry.key);
    } catch (reason) {
      reader.note(entry.keyNode, TinderboxError.from(reason).message);
    }
    const fields = reader.fields(entry, [...Object.keys(trigger), ...Object.keys(sources)]);
    const given = Object.keys(sources).filter((kind) => fields.has(kind));
    if (given.length !== 1) {
      const found = given.length === 0 ? 'no source' : given.join(' and ');
      reader.note(entry.keyNode, `${entry.path} has ${found}: give one of ${Object.keys(sources).join(', ')}`);
    }
    const spec: Record<string, unknown> = {};
    for (const [key, field] of fields) {
      const parts = sources[key];
      spec[key] = parts === undefined ? valueOf(reader, trigger[key], field) : readPart(reader, parts, field);
    }
    return { name: entry.key, spec };
  });
}

function readPart(reader: YamlReader, known: Known, place: Place): Readonly<Record<string, unknown>> {
  const fields = reader.fields(place, Object.keys(known));
  return Object.fromEntries([...fields].map(([key, field]) => [key, valueOf(reader, known[key], field)]));
}

function valueOf(reader: YamlReader, reading: Reading | undefined, field: Entry): unknown {
  if (reading === 'flag') return reader.bool(field);
  if (reading === 'map') {
    return Object.fromEntries(reader.entries(field).map((entry) => [entry.key, reader.text(entry)]));
  }
  if (reading === 'list') {
    const isList = reader.isList(field);
    return isList ? reader.items(field).map((item) => reader.text(item)) : [reader.text(field)];
  }
  const text = reader.text(field);
  if (reading !== 'count') return text;
  if (!/^\d{1,9}$/.test(text)) reader.note(field.node, `${field.path} is "${text}", it must be a whole number`);
  return Number(text);
}
