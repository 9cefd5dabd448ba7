import { STATUS_CODES } from '../../../model/node-http.ts';
import type { WatchdogMode } from '../mode-settings.ts';
import type { ReadRequest } from './http-request.ts';
import { formatHumanSize } from './human-size.ts';
import type { LogWriter } from './log-writer.ts';
import type { ServerSettings } from './server-settings.ts';

/** What is written of calls: the lines of both of OpenFaaS's watchdogs, which programs look for. */
export class CallLog {
  readonly #writer: LogWriter;
  readonly #mode: WatchdogMode;
  readonly #settings: ServerSettings;

  constructor(writer: LogWriter, mode: WatchdogMode, settings: ServerSettings) {
    this.#writer = writer;
    this.#mode = mode;
    this.#settings = settings;
  }

  begin({ userAgent }: ReadRequest): void {
    if (this.#mode === 'classic' && !isProbe(userAgent)) this.#writer.line('Forking fprocess.');
  }

  end({ head, userAgent }: ReadRequest, status: number, bytes: number, seconds: number): void {
    if (isProbe(userAgent)) return;
    if (this.#mode === 'classic' && status === 200) {
      const wrote = this.#settings.writesOutput ? '' : `Wrote ${bytes} Bytes - `;
      return this.#writer.line(`${wrote}Duration: ${seconds.toFixed(6)}s`);
    }
    const text = status === 499 ? '499 client closed' : `${status} ${STATUS_CODES[status] ?? ''}`.trim();
    const id = this.#settings.logsCallId ? ` [${head.callId}]` : '';
    const size = formatHumanSize(bytes);
    this.#writer.line(`${head.method} ${head.target} - ${text} - ContentLength: ${size} (${seconds.toFixed(4)}s)${id}`);
  }
}

/** Kubernetes asks every few seconds. */
function isProbe(userAgent: string): boolean {
  return userAgent.startsWith('kube-probe');
}
