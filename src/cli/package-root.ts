import { dirname } from 'node:path';

/** Folder with package.json and templates; `src/cli` and `dist/cli` are both two levels below it. */
export const packageRoot = dirname(dirname(import.meta.dirname));
