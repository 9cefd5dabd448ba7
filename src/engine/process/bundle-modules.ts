import { posix } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';

const importPattern = /^import\s+(?:(\w+)\s*,?\s*)?(?:\{([^}]*)\})?\s*from\s*(['"])([^'"]+)\3;?/gm;
const exportPattern = /^export\s+(?=(?:async\s+)?(?:const|function\*?|class)\s+(\w+))/gm;
/** What is left when a module uses a form of import or export that has no rule here. */
const foreignPattern = /^(?:import|export)\b.*|\bimport\s*\(\s*['"]\.|\bimport\.meta\b/m;

/**
 * One CommonJS program out of an entry and everything it imports by relative path, dependencies first: a process then
 * reads one file instead of two dozen and does without the loader of ES modules, which is a third of the start of a Node
 * runtime. Each module becomes a function that returns its exports. Takes the plain subset our own modules are written
 * in (named imports, default imports of builtin modules; exported functions, classes and constants; no cycles) and throws
 * `internal` for anything else.
 */
export function bundleModules(texts: ReadonlyMap<string, string>, entry: string): string {
  const bundle = new Bundle(texts);
  const main = bundle.translate(entry).code;
  return ["'use strict';", ...bundle.builtins, ...bundle.modules, `(async () => {\n${main}\n})();\n`].join('\n');
}

class Bundle {
  /** One constant per builtin module. */
  readonly builtins: string[] = [];
  /** One constant per module, in the order they have to be evaluated. */
  readonly modules: string[] = [];
  readonly #texts: ReadonlyMap<string, string>;
  readonly #names = new Map<string, string>();
  readonly #under = new Set<string>();

  constructor(texts: ReadonlyMap<string, string>) {
    this.#texts = texts;
  }

  /** A module as statements, with the names it exports. */
  translate(path: string): { readonly code: string; readonly exported: readonly string[] } {
    const exported: string[] = [];
    const code = this.#textOf(path)
      .replace(/^export \{\};?$/gm, '')
      .replaceAll(importPattern, (_, standard?: string, named?: string, _quote?: string, specifier?: string) =>
        this.#bind(path, standard, named, specifier ?? ''),
      )
      .replaceAll(exportPattern, (_, name: string) => {
        exported.push(name);
        return '';
      });
    const foreign = foreignPattern.exec(code);
    if (foreign !== null) throw cannotBundle(path, foreign[0]);
    return { code, exported };
  }

  #bind(importer: string, standard: string | undefined, named: string | undefined, specifier: string): string {
    const isOwn = specifier.startsWith('.');
    if (isOwn && standard !== undefined) throw cannotBundle(importer, `import ${standard}`);
    const source = isOwn
      ? this.#module(posix.join(posix.dirname(importer), specifier), importer)
      : this.#builtin(specifier);
    const parts = (named ?? '').split(',').map((part) => part.trim().replace(/\s+as\s+/, ': '));
    const names = parts.filter((part) => part !== '').join(', ');
    const whole = standard === undefined ? '' : `const ${standard} = ${source};`;
    return names === '' ? whole : `${whole}const { ${names} } = ${source};`;
  }

  #builtin(specifier: string): string {
    return this.#named(specifier, (name) => {
      this.builtins.push(`const ${name} = require('${specifier}');`);
    });
  }

  #module(path: string, importer: string): string {
    if (this.#under.has(path)) throw new TinderboxError('internal', `${importer} and ${path} import each other`);
    return this.#named(path, (name) => {
      this.#under.add(path);
      const { code, exported } = this.translate(path);
      this.#under.delete(path);
      this.modules.push(`const ${name} = (() => {\n${code}\nreturn { ${exported.join(', ')} };\n})();`);
    });
  }

  #named(key: string, make: (name: string) => void): string {
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = `$${this.#names.size}`;
    this.#names.set(key, name);
    make(name);
    return name;
  }

  #textOf(path: string): string {
    const text = this.#texts.get(path);
    if (text === undefined) throw new TinderboxError('internal', `${path} is imported and was not collected`);
    return text;
  }
}

function cannotBundle(path: string, what: string): TinderboxError {
  return new TinderboxError('internal', `${path} cannot be bundled: ${what}`);
}
