import { TinderboxError } from '../../model/errors.ts';

/** A git repository with templates, and what of it is wanted. */
export interface TemplateRepository {
  /** URL or path, as git takes it. */
  readonly url: string;
  /** Branch or tag; absent: the default branch. */
  readonly ref?: string;
  /** Commit, 7 to 40 hex digits; outranks `ref`. */
  readonly sha?: string;
}

/** Repository that faas-cli pulls where none is named. */
export const defaultTemplateRepository = 'https://github.com/openfaas/templates.git';

const commit = /^[0-9a-f]{7,40}$/i;

/**
 * Reads `REPOSITORY`, `REPOSITORY#ref`, `REPOSITORY@ref`, and a commit as `#sha-1234567`, `@sha-1234567` or `@1234567`.
 * An `@` belongs to the address where a `/`, or a `:` as in `git@host:path`, follows. Throws `invalid` for what git would
 * take for an option, run as a program, or refuse as a ref.
 */
export function parseTemplateRepository(text: string): TemplateRepository {
  const match = /^(.+?)(?:#(.*)|@([^/:@#]+))?$/.exec(text.trim());
  const url = match?.[1] ?? '';
  const ref = match?.[2] ?? match?.[3];
  if (url === '' || url.startsWith('-')) throw new TinderboxError('invalid', `"${text}" is not a git repository`);
  // `ext::` and the like run whatever stands behind them.
  if (/^[a-z][a-z0-9+.-]*::/i.test(url)) {
    throw new TinderboxError('invalid', `repository "${text}" names a transport that runs a program`);
  }
  if (ref === undefined) return { url };
  const sha = /^sha-(.*)$/.exec(ref)?.[1];
  if (sha !== undefined) {
    if (!commit.test(sha)) throw new TinderboxError('invalid', `"${ref}" is not a commit: 7 to 40 hex digits are`);
    return { url, sha: sha.toLowerCase() };
  }
  if (match?.[3] !== undefined && commit.test(ref) && /\d/.test(ref)) return { url, sha: ref.toLowerCase() };
  assertRef(ref);
  return { url, ref };
}

/** What is written behind the name of a pulled template, so that two versions can stand side by side. */
export function refNameOf({ ref, sha }: TemplateRepository): string | undefined {
  return sha === undefined ? ref : `sha-${sha}`;
}

/** git-check-ref-format(1), with a single level allowed. */
function assertRef(ref: string): void {
  const wrong =
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[-/.]|[/.]$|\.lock(\/|$)|\/\./.test(ref) || ref === '' || ref === '@';
  if (!wrong) return;
  throw new TinderboxError('invalid', `"${ref}" cannot be a branch or tag of git`, {
    hint: 'give a branch or tag behind #, or a commit as #sha-1234567',
  });
}
