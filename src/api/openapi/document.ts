import { z } from 'zod';
import type { Content, Operation } from './operation.ts';
import { operations } from './operations.ts';

type Json = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.1), made of the schemas that check the requests. */
export function createDocument(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    const methods = (paths[operation.path] ??= {});
    methods[operation.method] = describeOperation(operation);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tinderbox',
      version,
      description: 'OpenFaaS’s REST API and what Tinderbox adds to it. Errors are one line of plain text.',
    },
    security: [{ password: [] }],
    paths,
    components: {
      securitySchemes: {
        password: { type: 'http', scheme: 'basic' },
        signature: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Build-Signature',
          description: 'sha256= and the HMAC-SHA256 of the body under the payload secret, in hex',
        },
      },
    },
  };
}

function describeOperation(operation: Operation): Json {
  const { method, path, summary, body, query = {} } = operation;
  const security =
    operation.open === true
      ? { security: [] }
      : path === '/build'
        ? { security: [{ password: [] }, { signature: [] }] }
        : {};
  return {
    operationId: `${method}${path.replaceAll(/[^A-Za-z]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    ...security,
    parameters: [
      ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: string })),
      ...Object.entries(query).map(([name, description]) => ({ name, in: 'query', description, schema: string })),
    ],
    ...(body === undefined ? {} : { requestBody: { content: contentFrom([body], 'input') } }),
    responses: describeAnswers(operation),
  };
}

const string = { type: 'string' };

function describeAnswers({ answers, errors = [], open }: Operation): Json {
  const own = Object.entries(answers).map(([status, contents]) => [
    status,
    { description: 'done', ...(contents.length === 0 ? {} : { content: contentFrom(contents, 'output') }) },
  ]);
  const failures = [...new Set([...(open === true ? [] : [401]), ...errors])].map((status) => [
    String(status),
    { description: 'why not, in one line', content: { 'text/plain': { schema: string } } },
  ]);
  return Object.fromEntries([...own, ...failures]) as Json;
}

function contentFrom(contents: readonly Content[], io: 'input' | 'output'): Json {
  return Object.fromEntries(
    contents.map((content) => [content.type, 'schema' in content ? { schema: schemaFrom(content.schema, io) } : {}]),
  );
}

function schemaFrom(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' });
  return plain;
}
