import { join } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import { findLocalTemplate } from '../templates/local-template.ts';
import { pullTemplates } from '../templates/pull-templates.ts';
import { parseTemplateRepository } from '../templates/template-source.ts';
import { findTemplateInfo, loadTemplateStore } from '../templates/template-store.ts';
import type { Shell } from '../terminal/shell.ts';
import { findTemplate, type Template } from './templates.ts';

/**
 * The template for a `lang`: the project's own, one that comes along, or one of the template store, which is pulled.
 * Throws `invalid`, with the nearest name, when neither is there.
 */
export async function obtainTemplate(shell: Shell, lang: string): Promise<Template> {
  const own = await ownTemplate(shell, lang);
  if (own !== undefined) return own;
  try {
    return await findTemplate(lang);
  } catch (reason) {
    const pulled = await pullFromStore(shell, lang).catch((failure: unknown) => {
      const { code, message } = TinderboxError.from(failure);
      if (code === 'not-found') return undefined;
      throw code === 'unavailable' ? withStore(TinderboxError.from(reason), message) : failure;
    });
    if (pulled === undefined) throw reason;
    return pulled;
  }
}

/** What is not known here may well be in the store that could not be asked. */
function withStore({ code, message, hint }: TinderboxError, why: string): TinderboxError {
  return new TinderboxError(code, `${message}, and ${why}`, hint === undefined ? {} : { hint });
}

async function ownTemplate(shell: Shell, lang: string): Promise<Template | undefined> {
  const found = await findLocalTemplate(shell.cwd, lang);
  if (found === undefined) return undefined;
  const { name, directory, handlerFolder, welcomeMessage } = found;
  const notes = welcomeMessage === undefined ? {} : { welcomeMessage };
  return { name, directory: join(directory, handlerFolder), entry: {}, ...notes };
}

async function pullFromStore(shell: Shell, lang: string): Promise<Template | undefined> {
  const info = findTemplateInfo(await loadTemplateStore(shell, undefined), lang);
  const ref = lang.split('@')[1];
  shell.stderr.write(`pulling template ${lang} from ${info.repo}\n`);
  const repository = parseTemplateRepository(ref === undefined ? info.repo : `${info.repo}#${ref}`);
  await pullTemplates(shell, repository, { name: lang, overwrite: false, debug: false });
  return ownTemplate(shell, lang);
}
