// Run by a build, as the build's own user and in the function's folder: loads what package.json names, so that what V8
// compiles of it is kept and no cold start has to. `node --eval THIS FOLDER HOW`; HOW as the handler asks for modules.
const { enableCompileCache, flushCompileCache } = require('node:module');

const [folder, how] = process.argv.slice(1);
enableCompileCache({ directory: folder, portable: true });

async function load(name) {
  try {
    if (how === 'import') await import(name);
    else require(name);
  } catch (error) {
    console.log(`${name} is not loaded ahead: ${String(error).split('\n')[0]}`);
  }
}

void (async () => {
  const { dependencies, optionalDependencies } = require('./package.json');
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) await load(name);
  flushCompileCache();
  process.exit(0);
})();
