import type { InvokeMode, Language } from '../model/artifact.ts';
import type { LanguageName } from '../model/languages.ts';
import type { BuildOrder } from './build-order.ts';
import type { TemplateSource } from './template-source.ts';
import type { ToolName } from './tools.ts';

/** What a language sees of the source: the files of the chosen root. */
export interface SourceView {
  /** Paths of files relative to the root, with their executable bit. */
  readonly files: ReadonlyMap<string, boolean>;
  /** Size of all files whose name ends so. */
  bytesOf(suffix: string): number;
  /** Content of a small text file; undefined when it is not there. Throws `too-large` above 1 MiB. */
  read(path: string): Promise<string | undefined>;
}

/**
 * Something untrusted a build runs, inside the sandbox and in order. Plain data, and part of the digest: a builder that
 * runs something else makes another artifact. In arguments `{bundle}`, `{final}`, `{code}`, `{modules}` and `{cache}` stand
 * for the artifact in the making, where it will be, its code, its `site-packages`, and the namespace's dependency cache,
 * `{compiled}` for its compile cache.
 */
export interface BuildStep {
  /** As an error names it: `npm-ci`, `go-build`. */
  readonly name: string;
  /** Program of the machine, or one of the source (`./build.sh`). */
  readonly tool: ToolName | `./${string}`;
  readonly args: readonly string[];
  /** Folder it runs in, relative to the code; default the code itself. */
  readonly folder?: string;
  /** Variables a build arg or `build.env` of the same name wins over. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further tools it calls by name. */
  readonly path?: readonly ToolName[];
  /** A failure does not end the build, as with a compile cache. */
  readonly optional?: true;
  /** Given up after this long; default: the time left for the build. */
  readonly timeoutMs?: number;
  /** Line of the build's log in place of the command. */
  readonly shown?: string;
}

/** A file the builder writes into the code: the main around a handler. */
export interface AddedFile {
  readonly path: string;
  readonly text: string;
}

/** How one language makes an artifact of a source. */
export interface LanguagePlan {
  /** What runs the result. */
  readonly runtime: Language;
  readonly mode: InvokeMode;
  /** Module with the handler, for `frame`. */
  readonly handler?: string;
  /** Command line, for `fork` and `http`. */
  readonly process?: string;
  readonly steps: readonly BuildStep[];
  readonly files?: readonly AddedFile[];
  /** Tools whose versions shape the result, the language's own first; default: what the runtime needs. */
  readonly tools?: readonly ToolName[];
  /** Environment the function has unless its own says otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  /** Lines for the build's log: what was found, and what of the source counts for nothing here. */
  readonly notes?: readonly string[];
}

/** How a template that was pulled from a repository is built, with its own main around the handler. */
export interface TemplateBuilder {
  /** Files at the template's top of which one is the main. */
  readonly mains: readonly string[];
  plan(source: TemplateSource): Promise<LanguagePlan>;
}

/** One language of the builder. */
export interface LanguageBuilder {
  readonly name: LanguageName;
  /** Files at the top of a source that tell it, surest first; the table's order breaks ties. */
  readonly signs: readonly RegExp[];
  /** Follows from the files and the order alone. Throws `invalid` for a source the language cannot be made of. */
  plan(view: SourceView, order: BuildOrder): Promise<LanguagePlan>;
  /** Absent: templates of this language bring nothing that could be run here. */
  readonly template?: TemplateBuilder;
}
