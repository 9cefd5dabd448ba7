import { makeInstallation } from './installation.ts';

// A program: `install-main <source root> <runtime directory>` prints the directory it made.
const [, , sourceRoot, runtimeDir] = process.argv;
if (sourceRoot !== undefined && runtimeDir !== undefined) console.log(makeInstallation(sourceRoot, runtimeDir));
