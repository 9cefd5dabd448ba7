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

function keepAlive(minutes: number): FunctionSettings {
  return settings({ 'com.openfaas.scale.zero-duration': `${minutes}m` });
}

const knative = settings({}, { 'autoscaling.knative.dev/class': 'kpa.autoscaling.knative.dev' });

/** Every instance takes 10 calls at once. An adaptive one is kept for its zero duration until its idle times say more. */
export const policies: readonly Policy[] = [
  { name: 'keep-alive 10m', settings: keepAlive(10), adaptive: false },
  { name: 'keep-alive 15m (default)', settings: keepAlive(15), adaptive: false },
  { name: 'keep-alive 20m', settings: keepAlive(20), adaptive: false },
  { name: "Knative's", settings: knative, adaptive: false },
  { name: 'adaptive, else 15m', settings: keepAlive(15), adaptive: true },
  { name: 'adaptive, else 10m', settings: keepAlive(10), adaptive: true },
];
