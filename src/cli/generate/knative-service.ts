import { type ManifestSource, presentMap } from './manifest-source.ts';

const secretsFolder = '/var/openfaas/secrets';

/** Knative's `Service`, with secrets mounted where OpenFaaS's functions look for them, as `faas-cli generate` writes it. */
export function knativeService(fn: ManifestSource, namespace: string): object {
  const names = Object.keys(fn.environment).sort();
  const secrets = fn.secrets ?? [];
  const container = {
    image: fn.image,
    ...(names.length === 0 ? {} : { env: names.map((name) => ({ name, value: fn.environment[name] ?? '' })) }),
    ...(secrets.length === 0
      ? {}
      : {
          volumeMounts: secrets.map((name) => ({ name, mountPath: `${secretsFolder}/${name}`, readOnly: true })),
        }),
  };
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: fn.name, namespace, ...presentMap('annotations', fn.annotations) },
    spec: {
      template: {
        spec: {
          containers: [container],
          ...(secrets.length === 0 ? {} : { volumes: secrets.map((name) => ({ name, secret: { secretName: name } })) }),
        },
      },
    },
  };
}
