import type { FunctionDeployment } from '../../client/functions.ts';
import type { ResourceAmounts } from '../../model/function.ts';
import { defaultNamespace } from '../../model/names.ts';
import type { StackFunction } from '../stack/stack-file.ts';
import { imageName } from './build-target.ts';
import type { SpecFlags } from './deploy-flags.ts';

/** A function about to be deployed, before flags: from a stack file, or with nothing but name and image. */
export type Deployable = Pick<StackFunction, 'name' | 'image'> & Partial<StackFunction>;

/** What is sent for a function; `environment` holds its inline values and those of its files. */
export function deploymentFrom(
  fn: Deployable,
  environment: Readonly<Record<string, string>>,
  flags: SpecFlags,
): FunctionDeployment {
  const fprocess = flags.fprocess ?? fn.fprocess;
  const envVars = { ...environment, ...flags.env };
  const limits = { ...fn.limits, ...amountsOf(flags.memoryLimit, flags.cpuLimit) };
  const requests = { ...fn.requests, ...amountsOf(flags.memoryRequest, flags.cpuRequest) };
  const constraints = (fn.constraints ?? []).length > 0 ? fn.constraints : flags.constraint;
  const readOnly = flags.readonly === true ? true : fn.readOnlyRootFilesystem;
  return {
    service: fn.name,
    image: imageName(fn.image ?? fn.name),
    namespace: flags.namespace ?? fn.namespace ?? defaultNamespace,
    ...(fprocess === undefined ? {} : { envProcess: fprocess }),
    ...(Object.keys(envVars).length === 0 ? {} : { envVars }),
    secrets: [...new Set([...(fn.secrets ?? []), ...(flags.secret ?? [])])],
    labels: { ...fn.labels, ...flags.label },
    annotations: { ...fn.annotations, ...flags.annotation },
    ...(constraints === undefined || constraints.length === 0 ? {} : { constraints }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(Object.keys(requests).length === 0 ? {} : { requests }),
    ...(readOnly === undefined ? {} : { readOnlyRootFilesystem: readOnly }),
  };
}

function amountsOf(memory: string | undefined, cpu: string | undefined): ResourceAmounts {
  return { ...(memory === undefined ? {} : { memory }), ...(cpu === undefined ? {} : { cpu }) };
}
