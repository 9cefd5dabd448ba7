import { z } from 'zod';
import { alertRequest } from '../alert.ts';
import { namespaceRequest } from '../namespaces.ts';
import { deleteRequest, deployment } from '../parse-deployment.ts';
import { scaleRequest } from '../scale.ts';
import { secretRequest } from '../secrets.ts';
import * as answers from './answers.ts';
import type { Content, Operation } from './operation.ts';
import { triggerOperations } from './trigger-operations.ts';

const json = (schema: z.ZodType): Content => ({ type: 'application/json', schema });
const lines = (schema: z.ZodType): Content => ({ type: 'application/x-ndjson', schema });
const text: Content = { type: 'text/plain' };
const anything: Content = { type: '*/*' };
const accepted = { 202: [] } as const;
const namespace = { namespace: 'namespace; openfaas-fn unless given' };

const general: readonly Operation[] = [
  { method: 'get', path: '/healthz', summary: 'Whether it runs', open: true, answers: { 200: [text] } },
  {
    method: 'get',
    path: '/openapi.json',
    summary: 'This document',
    open: true,
    answers: { 200: [json(z.looseObject({ openapi: z.literal('3.1.0') }))] },
  },
  {
    method: 'get',
    path: '/store.json',
    summary: 'Functions that any client can deploy',
    open: true,
    answers: { 200: [json(answers.functionStore)] },
  },
  {
    method: 'get',
    path: '/system/info',
    summary: 'Versions and processor',
    answers: { 200: [json(answers.platformInfo)] },
  },
  {
    method: 'get',
    path: '/system/images',
    summary: 'Images built here',
    answers: { 200: [json(z.array(answers.imageStatus))] },
  },
  {
    method: 'get',
    path: '/system/instances',
    summary: 'Instances now and of the last minutes',
    query: { function: 'name, or name.namespace', namespace: 'namespace; all unless given' },
    answers: { 200: [json(z.array(answers.instanceStatus))] },
    errors: [400],
  },
  {
    method: 'post',
    path: '/system/exec',
    summary:
      'Runs a command beside an instance: a switch of protocols to tinderbox-exec, whose frames stand in docs/exec.md',
    query: {
      name: 'function, or name.namespace; woken if it sleeps',
      namespace: namespace.namespace,
      instance: 'this one of its instances; any ready one unless given',
    },
    answers: { 101: [] },
    errors: [400, 404, 426, 429],
  },
];

const functions: readonly Operation[] = [
  {
    method: 'get',
    path: '/system/functions',
    summary: 'Functions of a namespace',
    query: namespace,
    answers: { 200: [json(z.array(answers.functionStatus))] },
    errors: [400],
  },
  {
    method: 'post',
    path: '/system/functions',
    summary: 'Deploys a function that is not there',
    query: namespace,
    body: json(deployment),
    answers: accepted,
    errors: [400, 409, 413],
  },
  {
    method: 'put',
    path: '/system/functions',
    summary: 'Makes a new revision of a function',
    query: namespace,
    body: json(deployment),
    answers: accepted,
    errors: [400, 404],
  },
  {
    method: 'delete',
    path: '/system/functions',
    summary: 'Deletes a function',
    query: { functionName: 'name, for clients that send no body', ...namespace },
    body: json(deleteRequest),
    answers: accepted,
    errors: [400, 404],
  },
  {
    method: 'get',
    path: '/system/function/{name}',
    summary: 'One function',
    query: { ...namespace, usage: '1: with processor time and memory' },
    answers: { 200: [json(answers.functionStatus)] },
    errors: [400, 404],
  },
  {
    method: 'get',
    path: '/system/function/{name}/revisions',
    summary: 'Revisions of a function, newest first',
    query: namespace,
    answers: { 200: [json(z.array(answers.revisionStatus))] },
    errors: [400, 404],
  },
  {
    method: 'get',
    path: '/system/function/{name}/scaling',
    summary: 'How a function is scaled: every setting with its source, and the last decisions',
    query: namespace,
    answers: { 200: [json(answers.scalingReport)] },
    errors: [400, 404],
  },
  {
    method: 'post',
    path: '/system/scale-function/{name}',
    summary: 'Sets the replicas of a function',
    query: namespace,
    body: json(scaleRequest),
    answers: accepted,
    errors: [400, 404],
  },
  {
    method: 'post',
    path: '/system/alert',
    summary: 'Webhook for Prometheus’ Alertmanager: scales the functions that alerts name',
    body: json(alertRequest),
    answers: { 200: [] },
    errors: [400, 500],
  },
  {
    method: 'get',
    path: '/system/logs',
    summary: 'Log lines of a function',
    query: {
      name: 'function',
      ...namespace,
      instance: 'lines of this instance only',
      tail: 'this many last lines; -1 for all',
      follow: 'true or 1: further lines as they come',
      since: 'lines after this time, RFC 3339',
    },
    answers: { 200: [lines(answers.logLine)] },
    errors: [404, 422],
  },
];

const secrets: readonly Operation[] = [
  {
    method: 'get',
    path: '/system/secrets',
    summary: 'Names of the secrets of a namespace',
    query: namespace,
    answers: { 200: [json(z.array(answers.secretName))] },
    errors: [400],
  },
  {
    method: 'post',
    path: '/system/secrets',
    summary: 'Creates a secret',
    query: namespace,
    body: json(secretRequest),
    answers: accepted,
    errors: [400, 409],
  },
  {
    method: 'put',
    path: '/system/secrets',
    summary: 'Gives a secret a new value; functions see it with their next deploy',
    query: namespace,
    body: json(secretRequest),
    answers: accepted,
    errors: [400, 404],
  },
  {
    method: 'delete',
    path: '/system/secrets',
    summary: 'Deletes a secret',
    query: { name: 'name, for clients that send no body', ...namespace },
    body: json(secretRequest.pick({ name: true, namespace: true })),
    answers: accepted,
    errors: [400, 404],
  },
  {
    method: 'post',
    path: '/system/secrets-key',
    summary: 'Encrypts all secrets with a new key',
    answers: { 200: [json(answers.newKey)] },
  },
];

/** Both spellings of OpenFaaS's documents. */
const namespaces: readonly Operation[] = ['/system/namespaces', '/system/namespace'].flatMap((base): Operation[] => [
  { method: 'get', path: base, summary: 'Namespaces', answers: { 200: [json(z.array(z.string()))] } },
  {
    method: 'post',
    path: base,
    summary: 'Creates the namespace the body names',
    body: json(namespaceRequest),
    answers: { 201: [] },
    errors: [400, 409],
  },
  {
    method: 'get',
    path: `${base}/{name}`,
    summary: 'One namespace',
    answers: { 200: [json(answers.namespaceStatus)] },
    errors: [404],
  },
  {
    method: 'post',
    path: `${base}/{name}`,
    summary: 'Creates a namespace',
    body: json(namespaceRequest),
    answers: { 201: [] },
    errors: [400, 409],
  },
  {
    method: 'put',
    path: `${base}/{name}`,
    summary: 'Changes labels and annotations of a namespace',
    body: json(namespaceRequest),
    answers: accepted,
    errors: [400, 404],
  },
  {
    method: 'delete',
    path: `${base}/{name}`,
    summary: 'Deletes a namespace without functions, with its secrets',
    body: json(namespaceRequest),
    answers: accepted,
    errors: [403, 404, 409],
  },
]);

const builds: readonly Operation[] = [
  {
    method: 'post',
    path: '/build',
    summary: 'Builds a source; with X-Build-Signature in place of the password',
    body: { type: 'application/x-tar' },
    answers: { 200: [json(answers.buildResult), lines(answers.buildResult)], 422: [json(answers.buildResult)] },
    errors: [400],
  },
  {
    method: 'get',
    path: '/publickey',
    summary: 'What to seal build secrets with',
    open: true,
    answers: { 200: [json(answers.publicKey)] },
  },
];

const calls: readonly Operation[] = [
  ...(['get', 'post', 'put', 'delete'] as const).map(
    (method): Operation => ({
      method,
      path: '/function/{name}',
      summary: 'Calls a function; the answer is its own',
      open: true,
      body: anything,
      answers: { 200: [anything] },
      errors: [404],
    }),
  ),
  {
    method: 'post',
    path: '/async-function/{name}',
    summary: 'Stores a call and makes it later',
    open: true,
    body: anything,
    answers: accepted,
    errors: [400, 404, 413],
  },
  {
    method: 'delete',
    path: '/async-function/{id}',
    summary: 'Cancels a stored call',
    answers: accepted,
    errors: [404],
  },
];

const queued: readonly Operation[] = [
  {
    method: 'get',
    path: '/system/invocations',
    summary: 'Stored calls, the newest first',
    query: {
      function: 'name, or name.namespace; all unless given',
      namespace: namespace.namespace,
      state: 'states separated by commas; all unless given',
      limit: 'how many, 1 to 1000; 100 unless given',
    },
    answers: { 200: [json(z.array(answers.invocationStatus))] },
    errors: [400],
  },
  {
    method: 'get',
    path: '/system/invocations/{id}',
    summary: 'What became of a stored call, with the beginning of its answer',
    answers: { 200: [json(answers.invocationStatus)] },
    errors: [404],
  },
  {
    method: 'get',
    path: '/system/invocations/{id}/logs',
    summary: 'What the function wrote while it made a stored call, the last 1,000 lines',
    answers: { 200: [json(z.array(answers.invocationLine))] },
    errors: [404],
  },
  {
    method: 'delete',
    path: '/system/invocations/{id}',
    summary: 'Cancels a stored call',
    answers: accepted,
    errors: [404],
  },
  {
    method: 'post',
    path: '/system/invocations/{id}/replay',
    summary: 'Makes a dead letter a call again',
    answers: accepted,
    errors: [404],
  },
  {
    method: 'delete',
    path: '/system/dead-letters',
    summary: 'Removes the dead letters of a function',
    query: { function: 'name, or name.namespace', namespace: namespace.namespace },
    answers: { 200: [json(answers.purged)] },
    errors: [400],
  },
  {
    method: 'get',
    path: '/system/queue',
    summary: 'What is stored of each function',
    answers: { 200: [json(z.array(answers.queueDepth))] },
  },
  {
    method: 'get',
    path: '/system/schedules',
    summary: 'When the clock calls which function',
    answers: { 200: [json(z.array(answers.plannedRun))] },
  },
];

/** Everything there is to ask this platform for, in the order of the document. */
export const operations: readonly Operation[] = [
  ...general,
  ...functions,
  ...secrets,
  ...namespaces,
  ...builds,
  ...calls,
  ...queued,
  ...triggerOperations,
];
