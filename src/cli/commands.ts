import type { CommandEntry } from './command-definition.ts';
import { startsPlatform } from './flags/starts-platform.ts';

/** Every command, in the order of the help. A file is loaded when its command is called. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'up',
    summary: 'start the platform on this machine, or deploy a stack file: up -f stack.yaml',
    load: async (words) =>
      startsPlatform(words) ? (await import('./up-start.ts')).upStartCommand : (await import('./up.ts')).upCommand,
  },
  {
    name: 'new',
    summary: 'make a function from a template',
    load: async () => (await import('./new.ts')).newCommand,
  },
  {
    name: 'build',
    summary: 'build the functions of a stack file',
    load: async () => (await import('./build.ts')).buildCommand,
  },
  {
    name: 'push',
    summary: 'check that the images of a stack file are on the platform',
    load: async () => (await import('./push.ts')).pushCommand,
  },
  {
    name: 'publish',
    summary: 'build under several tags, here or on a remote builder',
    load: async () => (await import('./publish.ts')).publishCommand,
  },
  {
    name: 'deploy',
    summary: 'build and deploy a stack file, a single file or an image',
    load: async () => (await import('./deploy.ts')).deployCommand,
  },
  {
    name: 'run',
    aliases: ['local-run'],
    summary: 'run one function without a platform',
    load: async () => (await import('./run.ts')).runCommand,
  },
  {
    name: 'invoke',
    summary: 'call a function with what comes in on stdin',
    load: async () => (await import('./invoke.ts')).invokeCommand,
  },
  {
    name: 'invocations',
    summary: 'list, show, wait for, cancel and replay stored calls',
    load: async () => (await import('./invocations.ts')).invocationsCommand,
  },
  {
    name: 'trigger',
    summary: 'call functions by the clock or with messages',
    load: async () => (await import('./trigger.ts')).triggerCommand,
  },
  {
    name: 'list',
    aliases: ['ls'],
    summary: 'list functions',
    load: async () => (await import('./list.ts')).listCommand,
  },
  {
    name: 'describe',
    summary: 'show all that is known of a function',
    load: async () => (await import('./describe.ts')).describeCommand,
  },
  {
    name: 'diff',
    summary: 'compare a stack file with what is deployed',
    load: async () => (await import('./diff.ts')).diffCommand,
  },
  {
    name: 'generate',
    summary: 'write Kubernetes resources for the functions of a stack file',
    load: async () => (await import('./generate.ts')).generateCommand,
  },
  {
    name: 'ready',
    summary: 'wait until the platform, or a function, takes calls',
    load: async () => (await import('./ready.ts')).readyCommand,
  },
  {
    name: 'instances',
    summary: 'list running copies of functions',
    load: async () => (await import('./instances.ts')).instancesCommand,
  },
  {
    name: 'exec',
    summary: 'run a command beside an instance of a function, inside its walls',
    load: async () => (await import('./exec.ts')).execCommand,
  },
  {
    name: 'top',
    summary: 'show what functions use, and how often they are called',
    load: async () => (await import('./top.ts')).topCommand,
  },
  {
    name: 'logs',
    summary: 'show what a function wrote',
    load: async () => (await import('./logs.ts')).logsCommand,
  },
  {
    name: 'scale',
    summary: 'set the number of replicas of a function',
    load: async () => (await import('./scale.ts')).scaleCommand,
  },
  {
    name: 'remove',
    aliases: ['rm', 'delete'],
    summary: 'remove functions',
    load: async () => (await import('./remove.ts')).removeCommand,
  },
  {
    name: 'template',
    summary: 'pull templates, and list those of a store',
    load: async () => (await import('./template.ts')).templateCommand,
  },
  {
    name: 'secret',
    summary: 'create, update, list and remove secrets',
    load: async () => (await import('./secret.ts')).secretCommand,
  },
  {
    name: 'namespace',
    aliases: ['ns', 'namespaces'],
    summary: 'create, list and remove namespaces',
    load: async () => (await import('./namespace.ts')).namespaceCommand,
  },
  {
    name: 'store',
    summary: 'list, describe and deploy ready-made functions',
    load: async () => (await import('./store.ts')).storeCommand,
  },
  {
    name: 'login',
    summary: 'save user and password for a platform',
    load: async () => (await import('./login.ts')).loginCommand,
  },
  {
    name: 'logout',
    summary: 'forget the login of a platform',
    load: async () => (await import('./logout.ts')).logoutCommand,
  },
  {
    name: 'registry-login',
    summary: "write a registry's credentials for builders of containers",
    load: async () => (await import('./registry-login.ts')).registryLoginCommand,
  },
  {
    name: 'watchdog',
    summary: "serve one function over HTTP, in place of OpenFaaS's watchdogs",
    oneDash: true,
    load: async () => (await import('./watchdog.ts')).watchdogCommand,
  },
  {
    name: 'plugin',
    summary: 'get a plugin of faas-cli, which is then a command',
    load: async () => (await import('./plugin.ts')).pluginCommand,
  },
  {
    name: 'version',
    summary: 'show the versions of this program and of the platform',
    load: async () => (await import('./version.ts')).versionCommand,
  },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    load: async () => (await import('./completion.ts')).completionCommand,
  },
];
