import { createHmac } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { HttpReply } from '../client/fetch.ts';
import type { Client } from '../client/client.ts';
import { dataOf } from '../client/result.ts';
import { type ErrorCode, errorCodes, TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { unknownFunctionHint } from './connection/function-data.ts';
import { authFilePath, readSavedLogin } from './connection/auth-file.ts';
import { resolveGateway } from './connection/gateway.ts';
import { collectPairs, collectTexts } from './flags/collect.ts';
import { type FunctionAddress, parseAddress, unusedNameFlag } from './flags/function-address.ts';
import { parseHeaders } from './flags/parse-headers.ts';
import { addStackFlags, type StackFlags } from './flags/stack-flags.ts';
import { loadStack } from './stack/load-stack.ts';
import { selectFunctions } from './stack/select-functions.ts';
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
  readonly async?: boolean;
  readonly auth?: boolean;
  readonly sign?: string;
  readonly key?: string;
}

export const invokeCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addNamespaceFlag(addConnectionFlags(addStackFlags(command)))
      .argument('<name>', 'function, or NAME.NAMESPACE')
      .addOption(unusedNameFlag())
      .option('-m, --method <method>', 'HTTP method', 'POST')
      .option('-H, --header <name: value>', 'header; may be repeated', collectTexts)
      .option('--query <key=value>', 'query parameter; may be repeated', collectPairs)
      .option('--content-type <type>', 'type of the body', 'text/plain')
      .option('--path <path>', 'path below the function', '')
      .option('-a, --async', 'queue the call and do not wait for its answer')
      .option('--auth', 'send the token of --token or of the saved login to the function')
      .option('--sign <header>', 'header for a signature of the body; needs --key')
      .option('--key <text>', 'key the body is signed with; others of the machine can see it in the process list')
      .action((name: string, flags: InvokeFlags) => invoke(shell, name, flags));
  },
};

async function invoke(shell: Shell, text: string, flags: InvokeFlags): Promise<void> {
  if ((flags.sign === undefined) !== (flags.key === undefined)) {
    throw new TinderboxError('invalid', 'a signature needs both --sign HEADER and --key KEY');
  }
  const stack = await loadStack(shell, flags.yaml, flags.envsubst);
  if (stack !== undefined) selectFunctions(stack, flags);
  const inStack = stack?.functions.find((fn) => fn.name === text)?.namespace;
  const address = parseAddress(text, flags.namespace ?? inStack);
  const method = flags.method.toUpperCase();
  const headers = {
    'content-type': flags.contentType,
    ...parseHeaders(flags.header ?? []),
    ...(await tokenOf(shell, flags)),
  };
  const client = await connect(shell, flags, stack?.gateway);
  const body = method === 'GET' || method === 'HEAD' ? undefined : await bodyOf(shell, flags);
  const reply = dataOf(
    await client.invoke.call({
      ...address,
      method,
      target: targetOf(flags),
      headers: { ...headers, ...signatureOf(flags, body) },
      async: flags.async === true,
      ...(body === undefined ? {} : { body }),
    }),
  );
  await printBody(shell, reply, client.gateway);
  if (reply.status < 200 || reply.status > 299) throw await failureOf(client, address, reply);
  if (flags.async !== true || reply.status !== 202) return;
  const callId = reply.headers.get('x-call-id');
  shell.stderr.write('Function submitted asynchronously.\n');
  if (callId !== null) shell.stderr.write(`Its call id is ${callId}.\n`);
}

/** What is signed has to be there as a whole. */
async function bodyOf(shell: Shell, flags: InvokeFlags): Promise<Buffer | Readable> {
  return flags.sign === undefined ? readBody(shell) : buffer(shell.stdin);
}

function signatureOf({ sign, key }: InvokeFlags, body: Buffer | Readable | undefined): Record<string, string> {
  if (sign === undefined || key === undefined) return {};
  const signed = createHmac('sha256', key).update(Buffer.isBuffer(body) ? body : '');
  return parseHeaders([`${sign}: sha256=${signed.digest('hex')}`]);
}

/** A password is the platform's business and never goes to a function. */
async function tokenOf(shell: Shell, flags: InvokeFlags): Promise<Record<string, string>> {
  if (flags.auth !== true) return {};
  const gateway = resolveGateway({ flag: flags.gateway, env: shell.env['OPENFAAS_URL'] });
  const saved = flags.token === undefined ? await readSavedLogin(authFilePath(shell), gateway) : { token: flags.token };
  if (saved !== undefined && 'token' in saved) return { authorization: `Bearer ${saved.token}` };
  throw new TinderboxError('unauthenticated', `no token is known for ${gateway}`, { hint: 'give one with --token' });
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
async function failureOf(client: Client, address: FunctionAddress, reply: HttpReply): Promise<TinderboxError> {
  const { name } = address;
  const byPlatform = reply.headers.get('x-openfaas-internal') !== null;
  const codes = Object.keys(errorCodes) as ErrorCode[];
  const code = byPlatform ? codes.find((candidate) => errorCodes[candidate].status === reply.status) : undefined;
  const callId = reply.headers.get('x-call-id');
  const call = callId === null ? '' : ` (call ${callId})`;
  const missing = code === 'not-found' ? await unknownFunctionHint(client, address) : undefined;
  const who = byPlatform ? `the platform answered for ${name}` : `${name} answered`;
  return new TinderboxError(code ?? 'internal', `${who} with status ${reply.status}${call}`, {
    hint: missing ?? `tinderbox logs ${name} shows what it wrote`,
  });
}
