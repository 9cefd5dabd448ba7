import type { Command } from 'commander';
import type { FunctionStatus } from '../client/functions.ts';
import { dataOf, type Result } from '../client/result.ts';
import type { RevisionSummary } from '../client/revisions.ts';
import type { Instance } from '../model/instance.ts';
import type { ScalingReport } from '../model/scaling-report.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { functionData } from './connection/function-data.ts';
import { functionUrl, parseAddress, unusedNameFlag } from './flags/function-address.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { formatDescription } from './output/format-description.ts';
import { formatScaling } from './output/format-scaling.ts';
import { addOutputFlag, formatOf, isData, type OutputFlags, printData } from './output/output-format.ts';
import type { Shell } from './terminal/shell.ts';

interface DescribeFlags extends ConnectionFlags, StackFlags, OutputFlags {
  readonly namespace?: string;
  readonly verbose?: boolean;
  readonly scaling?: boolean;
}

/** All that is known of a function; what `-o json` and the like print. */
export interface Description extends FunctionStatus {
  readonly status: 'Ready' | 'Not Ready';
  readonly url: string;
  readonly asyncUrl: string;
  readonly revisions: readonly RevisionSummary[];
  readonly instances: readonly Instance[];
}

export const describeCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addOutputFlag(addNamespaceFlag(addConnectionFlags(addStackFlags(command))))
      .argument('<name>', 'function, or NAME.NAMESPACE')
      .addOption(unusedNameFlag())
      .option('-v, --verbose', 'show what is not set as <none>')
      .option('--scaling', 'show how it is scaled: every setting with its source, and the last decisions')
      .action((name: string, flags: DescribeFlags) => describeFunction(shell, name, flags));
  },
};

async function describeFunction(shell: Shell, text: string, flags: DescribeFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const address = parseAddress(text, flags.namespace);
  const { name, namespace } = address;
  if (flags.scaling === true) {
    const report = await functionData(client, address, await client.scale.explain(name, namespace));
    return describeScaling(shell, flags, report);
  }
  const status = await functionData(client, address, await client.functions.get(name, namespace));
  const [listed, revisions, instances] = await Promise.all([
    client.functions.list(namespace),
    client.revisions.list(name, namespace),
    client.instances.list({ function: name, namespace }),
  ]);
  const counted = orEmpty(listed).find((fn) => fn.name === name)?.invocationCount ?? 0;
  const description: Description = {
    ...status,
    invocationCount: counted,
    status: (status.availableReplicas ?? 0) > 0 ? 'Ready' : 'Not Ready',
    url: functionUrl(client.gateway, address),
    asyncUrl: functionUrl(client.gateway, address, 'async-function'),
    revisions: orEmpty(revisions),
    instances: orEmpty(instances),
  };
  const format = formatOf(flags);
  if (isData(format)) return printData(shell, format, description);
  shell.stdout.write(format === 'name' ? `${name}\n` : formatDescription(description, flags.verbose === true));
}

async function describeScaling(shell: Shell, flags: DescribeFlags, report: ScalingReport): Promise<void> {
  const format = formatOf(flags);
  if (isData(format)) return printData(shell, format, report);
  shell.stdout.write(format === 'name' ? `${report.revision}\n` : formatScaling(report));
}

/** A platform of another make has neither revisions nor instances to tell of; anything but that is an error. */
function orEmpty<T>(result: Result<readonly T[]>): readonly T[] {
  if (!result.ok && (result.error.code === 'not-found' || result.error.code === 'unsupported')) return [];
  return dataOf(result);
}
