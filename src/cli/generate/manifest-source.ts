import type { StackFunction } from '../stack/stack-file.ts';

/** What a resource says of a function; the environment is complete. */
export type ManifestSource = Pick<StackFunction, 'name' | 'environment'> &
  Partial<
    Pick<
      StackFunction,
      | 'labels'
      | 'annotations'
      | 'secrets'
      | 'constraints'
      | 'limits'
      | 'requests'
      | 'readOnlyRootFilesystem'
      | 'fprocess'
    >
  > & { readonly image: string };

/** The map, or nothing where it is empty. */
export function presentMap<K extends string>(
  key: K,
  map: Readonly<Record<string, string>> | undefined,
): { [P in K]?: Readonly<Record<string, string>> } {
  return map === undefined || Object.keys(map).length === 0 ? {} : ({ [key]: map } as { [P in K]: typeof map });
}

/** The list, or nothing where it is empty. */
export function presentList<K extends string>(
  key: K,
  list: readonly string[] | undefined,
): { [P in K]?: readonly string[] } {
  return list === undefined || list.length === 0 ? {} : ({ [key]: list } as { [P in K]: typeof list });
}
