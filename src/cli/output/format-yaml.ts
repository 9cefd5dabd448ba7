/**
 * YAML that says the same to readers of version 1.2 and of 1.1, which kubectl and many languages still are: `yes`, `012`
 * and `1:30` stay text.
 */
export async function formatYaml(data: unknown): Promise<string> {
  // Only here: loading it would slow every other command down.
  const { stringify } = await import('yaml');
  return stringify(data, { compat: 'yaml-1.1' });
}
