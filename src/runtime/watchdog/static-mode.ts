import { closeSync, realpathSync, statSync } from 'node:fs';
import type { RequestHead } from '../../frame/head-text.ts';
import { type Call, type Caller, fieldOf, type Mode } from './call.ts';
import { findStaticFile, type FoundFile } from './find-static-file.ts';
import { StaticCall } from './static-call.ts';
import { decideStaticReply } from './static-reply.ts';

export interface StaticModeOptions {
  /** Absolute path of the folder. */
  readonly folder: string;
  /** Path below the folder of what is served, with 200, where a page was asked for that is not there. */
  readonly fallback: string | undefined;
}

const methods = new Set(['GET', 'HEAD']);

/**
 * Mode `static`: the files of a folder. A folder is answered with its `index.html`; what is not there with the fallback,
 * for a single-page app whose paths are its own, else with the folder's `404.html`, else with a line of text.
 */
export class StaticMode implements Mode {
  readonly style = 'static';
  readonly #root: string;
  readonly #fallback: string | undefined;

  /** Throws, with a message for a person, when there is no such folder. */
  constructor({ folder, fallback }: StaticModeOptions) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new Error(`static_path "${folder}" is not a folder`);
    }
    this.#root = realpathSync(folder);
    this.#fallback = fallback;
    if (fallback === undefined) return;
    const found = findStaticFile(this.#root, fallback);
    if (found.kind !== 'file') throw new Error(`static_fallback "${fallback}" is not a file of ${folder}`);
    closeSync(found.fd);
  }

  open(head: RequestHead, _hasBody: boolean, caller: Caller, onOver: () => void): Call {
    const call = new StaticCall(head, caller, onOver);
    const path = decodePath(head.target);
    if (!methods.has(head.method)) call.say(405, ['Allow', 'GET, HEAD']);
    else if (path === undefined) call.say(400, []);
    else this.#serve(call, head, path);
    return call;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #serve(call: StaticCall, head: RequestHead, path: string): void {
    const found = findStaticFile(this.#root, path.endsWith('/') ? `${path}index.html` : path);
    if (found.kind === 'folder') return call.say(301, ['Location', folderLocation(head.target)]);
    if (found.kind === 'file') return this.#send(call, head, found, 200);
    const fallback = this.#fallback;
    if (fallback !== undefined && wantsPage(head, path)) {
      const page = findStaticFile(this.#root, fallback);
      if (page.kind === 'file') return this.#send(call, head, page, 200);
    }
    const page = findStaticFile(this.#root, '404.html');
    if (page.kind === 'file') this.#send(call, head, page, 404);
    else call.say(404, []);
  }

  #send(call: StaticCall, head: RequestHead, { fd, facts, path }: FoundFile, status: number): void {
    call.send(decideStaticReply(head, path, facts, status), fd);
  }
}

/** A page, not one of the files a page asks for: those must not be answered with another page. */
function wantsPage(head: RequestHead, path: string): boolean {
  const accept = fieldOf(head.fields, 'accept');
  return !/\.[a-z0-9]{1,8}$/i.test(path) && (accept === undefined || /text\/html|\*\/\*/.test(accept));
}

/** Undefined: the path is none. */
function decodePath(target: string): string | undefined {
  const path = target.split('?', 1)[0] ?? '';
  try {
    return path.startsWith('/') ? decodeURIComponent(path) : undefined;
  } catch {
    return undefined;
  }
}

/** The folder's own address, from where it was asked for: what stands before the path here is not known. */
function folderLocation(target: string): string {
  const [path = '', query] = target.split(/\?(.*)/s, 2);
  const name = path.slice(path.lastIndexOf('/') + 1);
  return `${name.includes(':') ? './' : ''}${name}/${query === undefined ? '' : `?${query}`}`;
}
