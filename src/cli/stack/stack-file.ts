import type { ResourceAmounts } from '../../model/function.ts';

/** One function of a stack file, as written; nothing is completed here but `lang` and texts made of scalars. */
export interface StackFunction {
  readonly name: string;
  readonly lang?: string;
  /** Folder with the source, absolute. */
  readonly handler?: string;
  readonly image?: string;
  readonly fprocess?: string;
  readonly namespace?: string;
  readonly skipBuild: boolean;
  /** Inline values; those of `environmentFiles` are not in it yet. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute paths. */
  readonly environmentFiles: readonly string[];
  readonly secrets: readonly string[];
  readonly constraints: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly limits?: ResourceAmounts;
  readonly requests?: ResourceAmounts;
  readonly readOnlyRootFilesystem?: boolean;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Names of `build_options` of its template. */
  readonly buildOptions?: readonly string[];
  /** For a remote builder: name → absolute path of a file. */
  readonly buildSecrets?: Readonly<Record<string, string>>;
  /** What sets it off, besides calls. */
  readonly triggers?: readonly StackTrigger[];
}

/** A trigger of a function: fields by name, as the API takes them. */
export interface StackTrigger {
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Where a template of the file comes from; without a source: the template store. */
export interface TemplateSource {
  readonly name: string;
  readonly source?: string;
}

/** A stack file, read and checked. */
export interface StackFile {
  /** As given, for messages. */
  readonly file: string;
  /** Folder that relative paths in it start from, absolute. */
  readonly directory: string;
  readonly gateway?: string;
  /** `configuration.templates`. */
  readonly templates: readonly TemplateSource[];
  /** `configuration.copy`: copied into every handler folder before a build; absolute, below `directory`. */
  readonly copy: readonly string[];
  readonly functions: readonly StackFunction[];
  /** What is odd but no error, each with its position. */
  readonly warnings: readonly string[];
}
