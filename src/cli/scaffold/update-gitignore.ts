import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const generated = ['template', 'build', '.secrets'];

/** Adds to `.gitignore` what commands write and nobody wants to commit; what is there stays, in its order. */
export async function updateGitignore(folder: string): Promise<void> {
  const file = join(folder, '.gitignore');
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim().replace(/^\/|\/$/g, ''));
  const missing = generated.filter((name) => !lines.includes(name));
  if (missing.length === 0) return;
  const start = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  await writeFile(file, `${start}${missing.join('\n')}\n`);
}
