import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import type { TestContext } from 'node:test';

/** A folder as a registry of packages: most of them are no more than files behind a web server. */
export interface StaticRegistry {
  readonly url: string;
  /** Paths that were asked for since the last look. */
  asked(): readonly string[];
}

export async function startStaticRegistry(t: TestContext, folder: string): Promise<StaticRegistry> {
  let asked: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '/').split('?')[0] ?? '/');
    asked.push(path);
    const file = join(folder, normalize(path));
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return response.writeHead(404).end();
    return createReadStream(file).pipe(response.writeHead(200, { 'content-length': statSync(file).size }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked: () => {
      const all = asked;
      asked = [];
      return all;
    },
  };
}
