import type { BuildOrder } from './build-order.ts';
import type { LanguagePlan } from './language-builder.ts';
import { assertProcess, parseMode } from './program-order.ts';
import type { TemplateSource } from './template-source.ts';

/** A plan for a program of the machine, such as an interpreter, run as the order says or by the language's own command. */
export function programPlan(
  order: Pick<BuildOrder, 'process' | 'mode'>,
  own: { readonly process: string; readonly mode: 'fork' | 'http' },
  rest: Omit<LanguagePlan, 'runtime' | 'process' | 'mode'>,
): LanguagePlan {
  const process = order.process ?? own.process;
  assertProcess(process);
  return { runtime: 'exec', mode: parseMode(order.mode) ?? own.mode, process, ...rest };
}

/** A plan for a template whose main an interpreter runs as it is. */
export function templatePlan(
  { process, mode }: TemplateSource,
  command: string,
  rest: Omit<LanguagePlan, 'runtime' | 'process' | 'mode'>,
): LanguagePlan {
  return { runtime: 'exec', mode, process: process ?? command, ...rest };
}
