import { TinderboxError } from '../../model/errors.ts';
import { programPlan, templatePlan } from '../interpreted.ts';
import type { LanguageBuilder } from '../language-builder.ts';
import { readEntry } from '../read-entry.ts';

const main = 'tinderbox_main.lua';

/** Lua 5.4: `handler.lua` returns `function(body) … end`, a process per call; a rockspec's dependencies go into `lua_modules`. */
export const lua: LanguageBuilder = {
  name: 'lua',
  signs: [/^handler\.lua$/, /^[^/]+\.(lua|rockspec)$/],
  async plan(view, order) {
    if (!view.files.has('handler.lua')) {
      throw new TinderboxError('invalid', 'no handler found: there is no handler.lua', {
        hint: 'let handler.lua return a function of the body, or a table with one called handle',
      });
    }
    const rockspec = [...view.files.keys()].find((path) => /^[^/]+\.rockspec$/.test(path));
    const asks = rockspec !== undefined && namesRocks((await view.read(rockspec)) ?? '');
    const install = ['--lua-version=5.4', '--tree=lua_modules', 'install', '--deps-only', `./${rockspec ?? ''}`];
    return programPlan(
      order,
      { process: `lua5.4 ${main}`, mode: 'fork' },
      {
        steps: !asks ? [] : [{ name: 'luarocks', tool: 'luarocks', args: install, path: ['lua'] }],
        files: [{ path: main, text: await readEntry('lua/main.lua') }],
        tools: ['lua'],
      },
    );
  },
  template: {
    mains: ['index.lua'],
    plan: async (source) => templatePlan(source, 'lua5.4 index.lua', { steps: [], tools: ['lua'] }),
  },
};

/** Lua itself is there; what cannot be read so simply is left to luarocks. Takes time in proportion to the text, whatever it is. */
function namesRocks(rockspec: string): boolean {
  const begun = /^(?:build_|test_)?dependencies\s*=\s*\{/m.exec(rockspec);
  const from = begun === null ? -1 : begun.index + begun[0].length;
  const to = begun === null ? -1 : rockspec.indexOf('}', from);
  if (to < 0) return true;
  const names = [...rockspec.slice(from, to).matchAll(/(["'])([^"'\n]{1,200})\1/g)].map(
    (match) => /^[^\s<>=~]+/.exec((match[2] ?? '').trim())?.[0],
  );
  return names.some((name) => name !== 'lua');
}
