import type { RevisionId } from './names.ts';

/** Amounts in Kubernetes quantities, as OpenFaaS's API takes them. */
export interface ResourceAmounts {
  readonly memory?: string;
  readonly cpu?: string;
}

/** Desired state of a function, complete and validated; the native API's FunctionDeployment after normalisation. */
export interface FunctionSpec {
  readonly namespace: string;
  readonly name: string;
  /** Name in the artifact index, resolved to a digest when a revision is made; returned as given. */
  readonly image: string;
  readonly envProcess?: string;
  readonly envVars?: Readonly<Record<string, string>>;
  readonly constraints?: readonly string[];
  readonly secrets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly limits?: ResourceAmounts;
  readonly requests?: ResourceAmounts;
  readonly readOnlyRootFilesystem?: boolean;
}

/** What the store keeps of a function under `functions/NAMESPACE/NAME`. */
export interface FunctionRecord {
  readonly spec: FunctionSpec;
  /** Number of the newest revision; grows by one with every accepted PUT. */
  readonly latest: number;
  /** The revision that calls go to; absent until one became ready. */
  readonly serving?: RevisionId;
  /** Replicas somebody asked for by hand; the scaler starts from it. */
  readonly replicas: number;
  /** RFC 3339. */
  readonly createdAt: string;
}

export type RevisionState = 'pending' | 'ready' | 'failed';

/** What the store keeps of a revision under `revisions/NAMESPACE/NAME/00003`. */
export interface RevisionRecord {
  readonly id: RevisionId;
  readonly spec: FunctionSpec;
  /** Content address of the artifact the image name stood for at that moment. */
  readonly artifact: string;
  /** Version of each secret at that moment: a new value needs a new revision. */
  readonly secretVersions: Readonly<Record<string, number>>;
  readonly state: RevisionState;
  /** Why it failed, with the last log lines. */
  readonly failure?: string;
  readonly createdAt: string;
}

/** What the store keeps of a deleted function under `retired/NAMESPACE/NAME`, so that its numbers are not used again. */
export interface RetiredRecord {
  readonly latest: number;
  /** RFC 3339. */
  readonly deletedAt: string;
}

/** What the store keeps of a namespace under `namespaces/NAMESPACE`; the default one exists without a record. */
export interface NamespaceRecord {
  /** Somebody is about to delete it: nothing new may be made in it. */
  readonly deleting?: true;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly createdAt: string;
}
