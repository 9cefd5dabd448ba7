import { z } from 'zod';
import { triggerRequest } from '../parse-trigger.ts';
import { triggerStatus } from './answers.ts';
import type { Operation } from './operation.ts';

const namespace = { namespace: 'namespace; openfaas-fn unless given' };

/** What sets functions off. */
export const triggerOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/system/triggers',
    summary: 'What sets functions off, by schedule or message; those of annotations among them',
    query: { ...namespace, function: 'only those of this function' },
    answers: { 200: [{ type: 'application/json', schema: z.array(triggerStatus) }] },
    errors: [400],
  },
  {
    method: 'post',
    path: '/system/triggers',
    summary: 'Makes a trigger that is not there',
    query: namespace,
    body: { type: 'application/json', schema: triggerRequest },
    answers: { 201: [] },
    errors: [400, 409],
  },
  {
    method: 'get',
    path: '/system/triggers/{name}',
    summary: 'One trigger, with its next runs or how its source fares',
    query: namespace,
    answers: { 200: [{ type: 'application/json', schema: triggerStatus }] },
    errors: [400, 404],
  },
  {
    method: 'put',
    path: '/system/triggers/{name}',
    summary: 'Replaces a trigger; with `version` only that one',
    query: namespace,
    body: { type: 'application/json', schema: triggerRequest },
    answers: { 202: [] },
    errors: [400, 403, 404, 409],
  },
  {
    method: 'delete',
    path: '/system/triggers/{name}',
    summary: 'Deletes a trigger, with what it made at its broker',
    query: namespace,
    answers: { 202: [] },
    errors: [400, 403, 404],
  },
  ...(['pause', 'resume'] as const).map(
    (action): Operation => ({
      method: 'post',
      path: `/system/triggers/{name}/${action}`,
      summary: action === 'pause' ? 'Lets a trigger rest; a stream keeps what comes meanwhile' : 'Sets it going again',
      query: namespace,
      answers: { 202: [] },
      errors: [400, 403, 404],
    }),
  ),
];
