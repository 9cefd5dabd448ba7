/** What a source is written in, as far as building it goes: each has its file in `builder/languages/`. */
export type LanguageName =
  | 'node'
  | 'python'
  | 'exec'
  | 'go'
  | 'rust'
  | 'java'
  | 'ruby'
  | 'php'
  | 'perl'
  | 'lua'
  | 'cobol'
  | 'dotnet'
  | 'dockerfile';

interface Spelling {
  readonly language: LanguageName;
  /** Template of `templates/` that a name of this kind stands for. */
  readonly template: string;
  readonly pattern: RegExp;
}

/** The first that fits counts. The names of OpenFaaS's templates are among them, whatever version they end in. */
const spellings: readonly Spelling[] = [
  { language: 'node', template: 'typescript', pattern: /^(typescript|ts|node(js)?\d*-(typescript|ts))$/ },
  { language: 'node', template: 'node', pattern: /^(node(js)?\d*(-[a-z0-9]+)*|javascript|js)$/ },
  { language: 'python', template: 'python3-flask', pattern: /^python3?-flask(-debian)?$/ },
  { language: 'python', template: 'python3-asgi', pattern: /^python3?-asgi$/ },
  { language: 'python', template: 'python3', pattern: /^(python(3(\.\d+)?)?(-[a-z0-9]+)*|py)$/ },
  { language: 'go', template: 'golang-http', pattern: /^(golang|go)-http$/ },
  { language: 'go', template: 'golang-middleware', pattern: /^(golang|go)-middleware(-inproc)?$|^golang$/ },
  { language: 'go', template: 'go', pattern: /^go$/ },
  { language: 'rust', template: 'rust', pattern: /^(rust|rs)(-http)?$/ },
  { language: 'java', template: 'java', pattern: /^java(\d+)?$/ },
  { language: 'java', template: 'kotlin', pattern: /^(kotlin|kt)$/ },
  { language: 'ruby', template: 'ruby', pattern: /^(ruby|rb)(-http)?$/ },
  { language: 'php', template: 'php', pattern: /^php(\d+)?$/ },
  { language: 'perl', template: 'perl', pattern: /^(perl|pl)(-alpine)?$/ },
  { language: 'lua', template: 'lua', pattern: /^lua(\d(\.\d)?)?$/ },
  { language: 'cobol', template: 'cobol', pattern: /^(cobol|cob|gnucobol)$/ },
  { language: 'dotnet', template: 'dotnet', pattern: /^((dotnet|csharp|fsharp)[\d.]*(-[a-z0-9]+)*|c#)$/ },
  { language: 'exec', template: 'bash-streaming', pattern: /^bash(-streaming)?$/ },
  { language: 'exec', template: 'c', pattern: /^c$/ },
  { language: 'exec', template: 'exec', pattern: /^(exec|sh|binary)$/ },
  { language: 'dockerfile', template: 'dockerfile', pattern: /^docker(file)?$/ },
];

/** Names to show where one is not known. */
export const commonLanguageNames: readonly string[] = [
  'node',
  'typescript',
  'python3',
  'go',
  'golang-http',
  'golang-middleware',
  'rust',
  'java',
  'kotlin',
  'ruby',
  'php',
  'perl',
  'lua',
  'cobol',
  'bash',
  'c',
  'exec',
];

/** What a `lang` stands for: case does not matter, nor what a template was pulled at (`@v1`). Undefined: not known. */
export function findLanguage(lang: string): { readonly language: LanguageName; readonly template: string } | undefined {
  const name = lang.toLowerCase().split('@')[0] ?? '';
  return spellings.find(({ pattern }) => pattern.test(name));
}
