import { Option } from 'commander';
import { assertName, defaultNamespace, parseFunctionKey } from '../../model/names.ts';

/** A function as named on the command line: `NAME` with `--namespace`, or `NAME.NAMESPACE`. */
export interface FunctionAddress {
  readonly name: string;
  readonly namespace: string;
}

/** Throws `invalid` for names that no function can have. */
export function parseAddress(text: string, namespace: string | undefined): FunctionAddress {
  const parsed = text.includes('.') ? parseFunctionKey(text) : { name: text, namespace: namespace ?? defaultNamespace };
  assertName('function', parsed.name);
  assertName('namespace', parsed.namespace);
  return parsed;
}

/** Where a function is called: without its namespace in the default one, as OpenFaaS prints it. */
export function functionUrl(
  gateway: string,
  { name, namespace }: FunctionAddress,
  route: 'function' | 'async-function' = 'function',
): string {
  return `${gateway}/${route}/${formatAddress({ name, namespace })}`;
}

/** faas-cli's `describe` and `invoke` take it beside the name that they need, and do not look at it. */
export function unusedNameFlag(): Option {
  return new Option('--name <name>').hideHelp();
}

/** `NAME`, or `NAME.NAMESPACE` where that is not the default one. */
export function formatAddress({ name, namespace }: FunctionAddress): string {
  return namespace === defaultNamespace ? name : `${name}.${namespace}`;
}
