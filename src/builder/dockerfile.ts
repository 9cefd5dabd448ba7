/** What a Dockerfile of OpenFaaS says that counts without containers, and what does not. */
export interface Dockerfile {
  /** `ENV` of all stages; a later one wins. */
  readonly env: Readonly<Record<string, string>>;
  /** Images it starts from or copies of. */
  readonly images: readonly string[];
  /** Commands, their continued lines joined. */
  readonly commands: readonly string[];
}

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Reads as much as is needed here; never throws, since whoever wrote it wrote it for another builder. */
export function parseDockerfile(text: string): Dockerfile {
  const instructions = splitInstructions(text);
  const textsOf = (name: string): string[] => instructions.filter((one) => one.name === name).map((one) => one.text);
  return {
    env: Object.fromEntries(textsOf('ENV').flatMap(pairsOf)),
    images: imagesOf(textsOf('FROM')),
    commands: textsOf('RUN'),
  };
}

/** A stage may start from an earlier one, which is no image. */
function imagesOf(lines: readonly string[]): readonly string[] {
  const words = lines.map((line) => line.split(/\s+/).filter((word) => !word.startsWith('--')));
  const stages = new Set(words.map((line) => line[2]));
  return [...new Set(words.map(([image = '']) => image))].filter((image) => !stages.has(image));
}

function splitInstructions(text: string): readonly Instruction[] {
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*(#|$)/.test(line));
  return joinContinued(lines).flatMap((line) => {
    const match = /^([A-Za-z]+)\s+(.*)$/s.exec(line);
    return match === null ? [] : [{ name: (match[1] ?? '').toUpperCase(), text: match[2] ?? '' }];
  });
}

/** A backslash at its end continues a line; blanks around that count for one. */
function joinContinued(lines: readonly string[]): readonly string[] {
  const joined: string[] = [];
  let parts: string[] = [];
  for (const line of lines.map((each) => each.trim())) {
    parts.push(line.endsWith('\\') ? line.slice(0, -1).trimEnd() : line);
    if (line.endsWith('\\')) continue;
    joined.push(parts.join(' '));
    parts = [];
  }
  return [...joined, parts.join(' ')];
}

/** `A="x y" B=z`, or the old `A x y`. */
function pairsOf(text: string): readonly (readonly [string, string])[] {
  const old = /^([A-Za-z_]\w*)\s+([^=\s][^=]*)$/.exec(text);
  if (old !== null) return [[old[1] ?? '', (old[2] ?? '').trim()]];
  const found = text.matchAll(/(?<!\w)([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"|'[^']*'|\S*)/g);
  return [...found].map((match) => [match[1] ?? '', (match[2] ?? '').replace(/^(["'])(.*)\1$/s, '$2')]);
}
