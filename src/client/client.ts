import { type BuildClient, createBuildClient } from './build.ts';
import { type ClientOptions, createConnection } from './connection.ts';
import { createExecClient, type ExecClient } from './exec.ts';
import { createFunctionsClient, type FunctionsClient } from './functions.ts';
import { createHealthClient, type HealthClient } from './health.ts';
import { createImagesClient, type ImagesClient } from './images.ts';
import { createInfoClient, type InfoClient } from './info.ts';
import { createInstancesClient, type InstancesClient } from './instances.ts';
import { createInvocationsClient, type InvocationsClient } from './invocations.ts';
import { createInvokeClient, type InvokeClient } from './invoke.ts';
import { createLogsClient, type LogsClient } from './logs.ts';
import { createNamespacesClient, type NamespacesClient } from './namespaces.ts';
import { createRevisionsClient, type RevisionsClient } from './revisions.ts';
import { createScaleClient, type ScaleClient } from './scale.ts';
import { createSecretsClient, type SecretsClient } from './secrets.ts';
import { createTriggersClient, type TriggersClient } from './triggers.ts';

/** The API of one platform, a member per resource; every method resolves with a {@link Result}. */
export interface Client {
  readonly gateway: string;
  readonly functions: FunctionsClient;
  readonly scale: ScaleClient;
  readonly secrets: SecretsClient;
  readonly namespaces: NamespacesClient;
  readonly logs: LogsClient;
  readonly build: BuildClient;
  readonly instances: InstancesClient;
  readonly exec: ExecClient;
  readonly revisions: RevisionsClient;
  readonly images: ImagesClient;
  readonly info: InfoClient;
  readonly health: HealthClient;
  readonly invoke: InvokeClient;
  readonly invocations: InvocationsClient;
  readonly triggers: TriggersClient;
}

export function createClient(options: ClientOptions): Client {
  const connection = createConnection(options);
  return {
    gateway: connection.gateway,
    functions: createFunctionsClient(connection),
    scale: createScaleClient(connection),
    secrets: createSecretsClient(connection),
    namespaces: createNamespacesClient(connection),
    logs: createLogsClient(connection),
    build: createBuildClient(connection),
    instances: createInstancesClient(connection),
    exec: createExecClient(connection),
    revisions: createRevisionsClient(connection),
    images: createImagesClient(connection),
    info: createInfoClient(connection),
    health: createHealthClient(connection),
    invoke: createInvokeClient(connection),
    invocations: createInvocationsClient(connection),
    triggers: createTriggersClient(connection),
  };
}
