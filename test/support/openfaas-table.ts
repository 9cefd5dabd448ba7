import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openfaasSurface } from './openfaas-surface.ts';

const root = resolve(import.meta.dirname, '../..');
export const openfaasPage = join(root, 'docs', 'openfaas.md');

const begin = '<!-- The tables are generated from the tests: `npm run docs` writes them. -->\n';
const end = '<!-- End of what is generated. -->\n';

type Verdict = 'covers' | 'differs' | 'notApplicable';

/** One call of `covers`, `differs` or `notApplicable` in a test. */
export interface Claim {
  readonly verdict: Verdict;
  readonly kind: string;
  readonly name: string;
  readonly words: string;
  /** Relative to the root. */
  readonly file: string;
}

/** Claims of all tests of the project. Throws for a call whose arguments are not literals. */
export function collectClaims(): readonly Claim[] {
  return globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: root })
    .sort()
    .flatMap((file) => parseClaims(readFileSync(join(root, file), 'utf8'), file));
}

/** Claims in the text of one test file. */
export function parseClaims(text: string, file: string): readonly Claim[] {
  return [...text.matchAll(/^\s*(covers|differs|notApplicable)\(/gm)].flatMap((match): readonly Claim[] => {
    const verdict = match[1] as Verdict;
    const after = text.slice(match.index + match[0].length);
    const call = /^\s*((?:(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")\s*,?\s*)+)\)/.exec(after)?.[1];
    const line = text.slice(0, match.index).split('\n').length + 1;
    if (call === undefined) throw new Error(`${file}:${line}: the arguments of ${verdict} are not literals in quotes`);
    const [kind = '', ...rest] = [...call.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)].map(
      ([, single, double]) => (single ?? double ?? '').replaceAll(/\\(.)/g, '$1'),
    );
    if (verdict === 'covers') return rest.map((name) => ({ verdict, kind, name, words: '', file }));
    const [name = '', words = ''] = rest;
    return [{ verdict, kind, name, words, file }];
  });
}

/** The page with its tables as these claims make them; what stands around the tables stays. */
export function renderPage(page: string, claims: readonly Claim[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${openfaasPage} has lost the lines around its tables`);
  return `${page.slice(0, from)}${begin}\n${renderTables(claims)}\n${page.slice(to)}`;
}

function renderTables(claims: readonly Claim[]): string {
  return Object.entries(openfaasSurface)
    .map(([kind, names]) => {
      const rows = names.map((name) => {
        const own = claims.filter((claim) => claim.kind === kind && claim.name === name);
        return `| \`${name}\` | ${renderVerdict(own)} | ${renderFiles(own)} |`;
      });
      const title = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}s`;
      return [`## ${title}`, '', `| ${kind} | here | shown by |`, '|---|---|---|', ...rows, ''].join('\n');
    })
    .join('\n');
}

/** What differs somewhere differs; what no test shows is said to be not shown. */
function renderVerdict(claims: readonly Claim[]): string {
  const words = (verdict: Verdict): string =>
    [...new Set(claims.filter((claim) => claim.verdict === verdict).map((claim) => escapeCell(claim.words)))].join(
      '; ',
    );
  if (claims.length === 0) return 'not shown';
  if (claims.some(({ verdict }) => verdict === 'notApplicable')) return `not applicable: ${words('notApplicable')}`;
  if (claims.some(({ verdict }) => verdict === 'differs')) return `differs: ${words('differs')}`;
  return 'works';
}

function renderFiles(claims: readonly Claim[]): string {
  const files = [...new Set(claims.map(({ file }) => file))];
  return files.map((file) => `[${file.replace(/^.*\//, '').replace(/\.test\.ts$/, '')}](../${file})`).join(', ');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
