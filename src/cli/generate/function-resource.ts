import { type ManifestSource, presentList, presentMap } from './manifest-source.ts';

/** OpenFaaS's custom resource `Function`, as `faas-cli generate` writes it. */
export function functionResource(fn: ManifestSource, namespace: string): object {
  return {
    apiVersion: 'openfaas.com/v1',
    kind: 'Function',
    metadata: { name: fn.name, namespace },
    spec: {
      name: fn.name,
      image: fn.image,
      ...presentMap('environment', fn.environment),
      ...presentMap('labels', fn.labels),
      ...presentMap('annotations', fn.annotations),
      ...(fn.limits === undefined ? {} : { limits: fn.limits }),
      ...(fn.requests === undefined ? {} : { requests: fn.requests }),
      ...presentList('constraints', fn.constraints),
      ...presentList('secrets', fn.secrets),
      ...(fn.readOnlyRootFilesystem === true ? { readOnlyRootFilesystem: true } : {}),
    },
  };
}
