import type { Command } from 'commander';
import type { HttpReply } from '../client/fetch.ts';
import { dataOf } from '../client/result.ts';
import { type ErrorCode, errorCodes, TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { collectPairs, collectTexts } from './flags/collect.ts';
import { parseAddress } from './flags/function-address.ts';
import { parseHeaders } from './flags/parse-headers.ts';
import { addYamlFlag, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { readBody } from './terminal/read-body.ts';
import type { Shell } from './terminal/shell.ts';
import { writeText } from './terminal/write-text.ts';

interface InvokeFlags extends ConnectionFlags, StackFlags {
  readonly namespace?: string;
  readonly method: string;
  readonly header?: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly path: string;
}

export const invokeCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addNamespaceFlag(addConnectionFlags(addYamlFlag(command)))
      .argument('<name>', 'function, or NAME.NAMESPACE')
      .option('-m, --method <method>', 'HTTP method', 'POST')
      .option('-H, --header <name: value>', 'header; may be repeated', collectTexts)
      .option('--query <key=value>', 'query parameter; may be repeated', collectPairs)
      .option('--content-type <type>', 'type of the body', 'text/plain')
      .option('--path <path>', 'path below the function', '')
      .action((name: string, flags: InvokeFlags) => invoke(shell, name, flags));
  },
};

async function invoke(shell: Shell, text: string, flags: InvokeFlags): Promise<void> {
  const address = parseAddress(text, flags.namespace);
  const method = flags.method.toUpperCase();
  const headers = { 'content-type': flags.contentType, ...parseHeaders(flags.header ?? []) };
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const body = method === 'GET' || method === 'HEAD' ? undefined : await readBody(shell);
  const reply = dataOf(
    await client.invoke.call({
      ...address,
      method,
      target: targetOf(flags),
      headers,
      ...(body === undefined ? {} : { body }),
    }),
  );
  await printBody(shell, reply, client.gateway);
  if (reply.status < 200 || reply.status > 299) throw failureOf(address.name, reply);
}

function targetOf({ path, query }: InvokeFlags): string {
  const below = path === '' || path.startsWith('/') ? path : `/${path}`;
  const parameters = new URLSearchParams(query).toString();
  if (parameters === '') return below;
  return `${below}${below.includes('?') ? '&' : '?'}${parameters}`;
}

async function printBody(shell: Shell, reply: HttpReply, gateway: string): Promise<void> {
  try {
    for await (const chunk of reply.body ?? []) await writeText(shell.stdout, chunk);
  } catch (cause) {
    if (shell.signal.aborted) throw cause;
    throw new TinderboxError('lost', `the answer of ${gateway} broke off`, { cause });
  }
}

/** The platform's own failures end with their code, whatever the function answered ends with 1. */
function failureOf(name: string, reply: HttpReply): TinderboxError {
  const byPlatform = reply.headers.get('x-openfaas-internal') !== null;
  const codes = Object.keys(errorCodes) as ErrorCode[];
  const code = byPlatform ? codes.find((candidate) => errorCodes[candidate].status === reply.status) : undefined;
  const callId = reply.headers.get('x-call-id');
  const call = callId === null ? '' : ` (call ${callId})`;
  return new TinderboxError(code ?? 'internal', `${name} answered with status ${reply.status}${call}`, {
    hint: code === 'not-found' ? 'tinderbox list shows what there is' : `tinderbox logs ${name} shows what it wrote`,
  });
}
