import { Counter, Histogram, type Registry } from '@prometheus-io/client';
import { type RequestEnd, requestEnd } from './channels.ts';

/** What OpenFaaS's own component in front of the functions would have counted as well. */
const providerPath = /^\/system\/(functions?|scale-function|secrets|namespaces?|logs|info)\b/;

/**
 * Requests of the API by the names of OpenFaaS's gateway (`http_…`: method, path, status) and of its provider
 * (`provider_http_…`: code, method, path), which here are one program. Returns the way to stop.
 */
export function registerRequestMetrics(registry: Registry): () => void {
  const gateway = createPair(registry, 'http', 'status');
  const provider = createPair(registry, 'provider_http', 'code');
  return requestEnd.subscribe((end) => {
    gateway(end);
    if (providerPath.test(end.path)) provider(end);
  });
}

function createPair(registry: Registry, prefix: string, status: string): (end: RequestEnd) => void {
  const labelNames = ['method', 'path', status];
  const registers = [registry];
  const total = new Counter<string>({
    name: `${prefix}_requests_total`,
    help: 'Requests of the API that were answered',
    labelNames,
    registers,
  });
  const seconds = new Histogram<string>({
    name: `${prefix}_request_duration_seconds`,
    help: 'Time requests of the API took',
    labelNames,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  return ({ method, path, status: code, durationMs }) => {
    const labels = { method, path, [status]: String(code) };
    total.inc(labels);
    seconds.observe(labels, durationMs / 1000);
  };
}
