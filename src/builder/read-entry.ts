import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Text of a main that the builder puts around a handler: a file of `entries/`, for example `go/http.go`. */
export async function readEntry(path: string): Promise<string> {
  return await readFile(join(import.meta.dirname, 'entries', path), 'utf8');
}
