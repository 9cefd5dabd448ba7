import type { Attributes } from './describe-function.ts';

/** Which variables count: those of the file, those deployed, or both. */
export type EnvMode = 'local' | 'remote' | 'all';

/** An attribute in which file and deployment differ; undefined: it is not there on that side. */
export interface Difference {
  readonly field: string;
  readonly file: string | undefined;
  readonly deployed: string | undefined;
}

/** Differences in the order of their names; `deployed` undefined: nothing is deployed. */
export function compareFunctions(
  file: Attributes,
  deployed: Attributes | undefined,
  envMode: EnvMode,
): readonly Difference[] {
  if (deployed === undefined) return [{ field: 'function', file: 'in the stack file', deployed: 'not deployed' }];
  const fields = [...new Set([...file.keys(), ...deployed.keys()])].sort();
  return fields
    .map((field) => ({ field, file: file.get(field), deployed: deployed.get(field) }))
    .filter((row) => row.file !== row.deployed && !isIgnored(row, envMode));
}

/** A process nobody wrote down comes from the template; variables beside the file's may be from a deploy's flags. */
function isIgnored({ field, file, deployed }: Difference, envMode: EnvMode): boolean {
  if (field === 'fprocess') return file === undefined;
  if (!field.startsWith('env.')) return false;
  return (envMode === 'local' && file === undefined) || (envMode === 'remote' && deployed === undefined);
}

/** Two columns, what the file says at the left. */
export function formatDifferences(name: string, rows: readonly Difference[]): string {
  const width = Math.max('image:'.length, ...rows.map(({ field }) => field.length + 1));
  const cell = (mark: string, field: string, value: string | undefined): string =>
    value === undefined ? '' : `${mark} ${`${field}:`.padEnd(width)} ${value}`;
  const cells = rows.map((row) => [cell('-', row.field, row.file), cell('+', row.field, row.deployed)] as const);
  const left = Math.max(40, ...cells.map(([text]) => text.length));
  const right = Math.max(40, ...cells.map(([, text]) => text.length));
  const lines = [
    name,
    `  ${'stack.yaml'.padEnd(left)} | deployed`,
    `  ${'-'.repeat(left)}-+-${'-'.repeat(right)}`,
    ...cells.map(([a, b]) => `  ${a.padEnd(left)} | ${b}`.trimEnd()),
  ];
  return `${lines.join('\n')}\n\n`;
}
