import assert from 'node:assert/strict';
import type { ApiDocument } from './api-document.ts';
import { askForExec, type Switched } from './exec-client.ts';
import type { TestPlatform } from './platform.ts';

/** Every answer of the exec route, which needs a client that asks for a switch of protocols; `hi` is there. */
export async function walkExec(platform: TestPlatform, document: ApiDocument): Promise<void> {
  const ask = async (query: string, headers?: { upgrade: undefined; connection: undefined }): Promise<Switched> => {
    const answer = await askForExec(platform, query, headers);
    document.saw('POST /system/exec', answer.status, answer.text);
    return answer;
  };
  const open: Switched[] = [];
  do open.push(await ask('?name=hi&namespace=openfaas-fn'));
  while (open.at(-1)?.status === 101);
  assert.equal(open.length, 17, 'the default limit is 16');
  for (const { socket } of open) socket?.destroy();
  await ask('?name=hi', { upgrade: undefined, connection: undefined });
  await ask('');
  await ask('?name=none');
}
