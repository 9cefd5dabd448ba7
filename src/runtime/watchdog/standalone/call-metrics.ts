/** Seconds; the default buckets of Go's client, which OpenFaaS's dashboards expect. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Others would let a caller make series without end. */
const knownMethods = new Set([
  'get',
  'put',
  'head',
  'post',
  'delete',
  'connect',
  'options',
  'notify',
  'trace',
  'patch',
]);

interface Series {
  readonly labels: string;
  count: number;
  seconds: number;
  /** Calls per bucket, not summed up; those above the last one stand in none. */
  readonly counts: number[];
}

/** Calls as of-watchdog counts them: by status and method. */
export class CallMetrics {
  readonly #series = new Map<string, Series>();
  #inFlight = 0;

  begin(): void {
    this.#inFlight += 1;
  }

  end(status: number, method: string, seconds: number): void {
    this.#inFlight -= 1;
    const series = this.#of(`${status} ${method}`, status, method);
    series.count += 1;
    series.seconds += seconds;
    const at = buckets.findIndex((limit) => seconds <= limit);
    if (at >= 0) series.counts[at] = (series.counts[at] ?? 0) + 1;
  }

  /** Text in Prometheus' exposition format. */
  render(): string {
    const all = [...this.#series.values()].toSorted((a, b) => (a.labels < b.labels ? -1 : 1));
    return [
      '# HELP http_request_duration_seconds Seconds spent serving HTTP requests.',
      '# TYPE http_request_duration_seconds histogram',
      ...all.flatMap(renderHistogram),
      '# HELP http_requests_in_flight total HTTP requests in-flight',
      '# TYPE http_requests_in_flight gauge',
      `http_requests_in_flight ${this.#inFlight}`,
      '# HELP http_requests_total total HTTP requests processed',
      '# TYPE http_requests_total counter',
      ...all.map(({ labels, count }) => `http_requests_total{${labels}} ${count}`),
      '',
    ].join('\n');
  }

  #of(key: string, status: number, method: string): Series {
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const lower = method.toLowerCase();
    const name = knownMethods.has(lower) ? lower : 'unknown';
    const labels = `code="${status}",method="${name}"`;
    const shared = name === 'unknown' ? [...this.#series.values()].find((one) => one.labels === labels) : undefined;
    const made = shared ?? { labels, count: 0, seconds: 0, counts: buckets.map(() => 0) };
    // An unknown method is looked up by its labels each time, so that its name is kept nowhere.
    this.#series.set(name === 'unknown' ? `${status} unknown` : key, made);
    return made;
  }
}

function renderHistogram({ labels, count, seconds, counts }: Series): string[] {
  const name = 'http_request_duration_seconds';
  let sum = 0;
  const lines = buckets.map((limit, at) => {
    sum += counts[at] ?? 0;
    return `${name}_bucket{${labels},le="${limit}"} ${sum}`;
  });
  return [
    ...lines,
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${seconds}`,
    `${name}_count{${labels}} ${count}`,
  ];
}
