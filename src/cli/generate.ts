import { type Command, Option } from 'commander';
import type { CommandDefinition } from './command-definition.ts';
import { collectPairs } from './flags/collect.ts';
import { addStackFlags, type StackFlags } from './flags/stack-flags.ts';
import { functionResource } from './generate/function-resource.ts';
import { knativeService } from './generate/knative-service.ts';
import type { ManifestSource } from './generate/manifest-source.ts';
import { addTagFlag, type BuildFlags } from './rollout/build-flags.ts';
import { imageName } from './rollout/build-target.ts';
import { loadProject } from './rollout/load-project.ts';
import { loadEnvironment } from './stack/environment-file.ts';
import { fromStore } from './generate/from-store.ts';
import { formatYaml } from './output/format-yaml.ts';
import type { Shell } from './terminal/shell.ts';

const formats = { 'openfaas.com/v1': functionResource, 'serving.knative.dev/v1': knativeService };

interface GenerateFlags extends StackFlags, Pick<BuildFlags, 'tag'> {
  readonly api: keyof typeof formats;
  readonly namespace: string;
  readonly fromStore?: string;
  readonly name?: string;
  readonly arch: string;
  readonly url?: string;
  readonly annotation?: Readonly<Record<string, string>>;
  readonly label?: Readonly<Record<string, string>>;
}

export const generateCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    const api = new Option('--api <version>', 'kind of resource').choices(Object.keys(formats));
    addTagFlag(addStackFlags(command))
      .addOption(api.default('openfaas.com/v1'))
      .option('-n, --namespace <name>', 'namespace of the resources', 'openfaas-fn')
      .option('--from-store <name>', 'a function of the store, in place of a stack file')
      .option('--name <name>', 'name of that function')
      .option('--arch <name>', 'processor its image is for', 'x86_64')
      .option('-u, --url <address>', "store (OPENFAAS_STORE, or tinderbox's own)")
      .option('--annotation <key=value>', 'annotation of a function of the store; may be repeated', collectPairs)
      .option('-l, --label <key=value>', 'label of a function of the store; may be repeated', collectPairs)
      .action((flags: GenerateFlags) => generate(shell, flags));
  },
};

async function generate(shell: Shell, flags: GenerateFlags): Promise<void> {
  const sources =
    flags.fromStore === undefined ? await fromStack(shell, flags) : [await fromStore(shell, flags.fromStore, flags)];
  const sorted = [...sources].sort((a, b) => (a.name < b.name ? -1 : 1));
  const resources = sorted.map((source) => formats[flags.api](source, flags.namespace));
  for (const resource of resources) shell.stdout.write(`---\n${await formatYaml(resource)}`);
}

async function fromStack(shell: Shell, flags: GenerateFlags): Promise<readonly ManifestSource[]> {
  const { functions } = await loadProject(shell, { ...withoutName(flags), parallel: 1, disableStackPull: true });
  return Promise.all(
    functions.map(async (fn) => ({
      ...fn,
      image: imageName(fn.image ?? fn.name),
      environment: await loadEnvironment(fn),
    })),
  );
}

/** `--name` is about a function of the store. */
function withoutName({
  name: _name,
  namespace: _namespace,
  ...flags
}: GenerateFlags): Omit<GenerateFlags, 'name' | 'namespace'> {
  return flags;
}
