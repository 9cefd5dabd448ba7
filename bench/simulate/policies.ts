import { resolveSettings, type FunctionSettings } from '../../src/model/settings.ts';

/** What is compared. */
export interface Policy {
  readonly name: string;
  readonly settings: FunctionSettings;
  /** Whether idle times decide when it sleeps and wakes. */
  readonly adaptive: boolean;
}

function settings(labels: Record<string, string>, annotations: Record<string, string> = {}): FunctionSettings {
  const envVars = { max_inflight: '10', exec_timeout: '15m' };
  return resolveSettings({ namespace: 'ns', name: 'f', image: 'f', secrets: [], labels, annotations, envVars });
}

/** Every instance takes 10 calls at once. */
export const policies: readonly Policy[] = [
  {
    name: 'keep-alive 10m',
    settings: settings({ 'com.openfaas.scale.zero-duration': '10m' }),
    adaptive: false,
  },
  { name: 'keep-alive 15m (default)', settings: settings({}), adaptive: false },
  {
    name: "Knative's",
    settings: settings({}, { 'autoscaling.knative.dev/class': 'kpa.autoscaling.knative.dev' }),
    adaptive: false,
  },
  { name: 'adaptive', settings: settings({}), adaptive: true },
];
