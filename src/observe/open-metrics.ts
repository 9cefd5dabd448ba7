/** Media types of the two texts a scraper may ask for. */
export const metricsTypes = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openMetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const;

/** How metrics are written: Prometheus' own text, or OpenMetrics, which has exemplars. */
export type MetricsFormat = keyof typeof metricsTypes;

/** The format a scraper's `Accept` header leads to: OpenMetrics only for who names it, Prometheus' text for all others. */
export function chooseMetricsFormat(accept: string | undefined): MetricsFormat {
  const asked = (accept ?? '').split(',').map((part) => part.split(';').map((word) => word.trim().toLowerCase()));
  const open = asked.find(([type]) => type === 'application/openmetrics-text');
  return open === undefined || open.includes('q=0') ? 'prometheus' : 'openMetrics';
}

/**
 * Prometheus' text as OpenMetrics 1.0. A counter's family is named without `_total` there; one whose name does not end so
 * would have to be renamed, so that such a series is of unknown type instead and keeps the name that boards ask for. Bounds
 * of buckets are written as OpenMetrics wants numbers.
 */
export function openMetricsFrom(text: string): string {
  const counters = new Set([...text.matchAll(/^# TYPE (\S+) counter$/gm)].map((match) => match[1] ?? ''));
  const family = (name: string): string => (counters.has(name) ? name.replace(/_total$/, '') : name);
  return `${text
    .replaceAll(/^# HELP (\S+)/gm, (_, name: string) => `# HELP ${family(name)}`)
    .replaceAll(/^# TYPE (\S+) counter$/gm, (_, name: string) =>
      name.endsWith('_total') ? `# TYPE ${family(name)} counter` : `# TYPE ${name} unknown`,
    )
    .replaceAll(/^(\w+_bucket\{(?:.*,)?le=")(\d+)"/gm, '$1$2.0"')
    .replaceAll(/^\n/gm, '')}# EOF\n`;
}
