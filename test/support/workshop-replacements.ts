import { join, resolve } from 'node:path';

/** A step of the workshop that is followed in another way here. */
interface Replacement {
  readonly lab: number;
  readonly step: string;
  readonly instead: string;
  readonly why: string;
}

/** Every step that `test/peers/workshop.test.ts` does not follow to the letter; docs/workshop.md shows them. */
export const replacements = {
  docker: {
    lab: 1,
    step: 'install Docker, open an account at a registry, `docker login`',
    instead: 'nothing',
    why: 'functions are built by the platform and stay there',
  },
  cluster: {
    lab: 1,
    step: '`minikube start`, `arkade install openfaas`, `kubectl rollout status`, `kubectl port-forward`',
    instead: '`tinderbox up`',
    why: 'the platform is one program',
  },
  password: {
    lab: 1,
    step: '`kubectl get secret -n openfaas basic-auth`',
    instead: '`cat DATA-DIR/password`',
    why: 'it is a file of the one who started the platform',
  },
  store: {
    lab: 2,
    step: 'the function store at raw.githubusercontent.com',
    instead:
      '`--url $OPENFAAS_URL/store.json` behind every `faas-cli store` command (newer ones: `export OPENFAAS_STORE=`), and `--timeout 5m` where the build may take long',
    why: "OpenFaaS's functions are container images; those of tinderbox's store are built where they run",
  },
  portal: {
    lab: 2,
    step: 'deploy Figlet and invoke Markdown in the portal',
    instead: '`faas-cli store deploy figlet`, `faas-cli invoke markdown`',
    why: 'a script has no hands; `test/e2e/portal.test.ts` drives the portal',
  },
  readme: {
    lab: 2,
    step: 'a README from the internet, piped into `faas-cli invoke markdown`',
    instead: 'the README of tinderbox',
    why: 'tests use no network but package registries',
  },
  grafana: {
    lab: 2,
    step: 'Grafana in the cluster',
    instead: "`curl` of the metrics that the dashboard is made of, under OpenFaaS's names",
    why: 'there is no cluster to run it in',
  },
  repositories: {
    lab: 3,
    step: 'templates at github.com',
    instead: 'repositories on this machine, to which git leads the same addresses; the commands stay',
    why: 'tests use no network but package registries',
  },
  up: {
    lab: 3,
    step: '`faas-cli build`, `faas-cli push` and `faas-cli up`',
    instead:
      '`faas-cli publish` and `faas-cli up --publish`, with `--remote-builder $OPENFAAS_URL/build --payload-secret DATA-DIR/payload-secret`',
    why: 'faas-cli builds with Docker unless it is given a builder',
  },
  astronauts: {
    lab: 3,
    step: '`api.open-notify.org`',
    instead: 'a server on this machine with the answer the lab shows',
    why: 'tests use no network but package registries',
  },
  logs: {
    lab: 3,
    step: '`kubectl logs deployment/NAME -n openfaas-fn`',
    instead: '`faas-cli logs NAME`',
    why: 'there is no kubectl',
  },
  templates: {
    lab: 3,
    step: "OpenFaaS's template store at raw.githubusercontent.com",
    instead: '`export OPENFAAS_TEMPLATE_STORE_URL=` a list on this machine; the commands stay',
    why: 'tests use no network but package registries',
  },
  sorter: {
    lab: 3,
    step: '`faas-cli new --lang dockerfile sorter` and `ENV fprocess="sort"`',
    instead: '`lang: exec` and `fprocess: sort` in the stack file, `tinderbox build`, `faas-cli deploy`',
    why: 'this engine runs programs, not images',
  },
  alpine: {
    lab: 4,
    step: 'the image `functions/alpine:latest`',
    instead: '`tinderbox build --image functions/alpine:latest --lang exec`; the `faas-cli deploy` stays',
    why: 'an image name stands for something built here',
  },
  home: {
    lab: 4,
    step: 'writing to `/home/app/` works until `readonly_root_filesystem: true`',
    instead:
      "writing to the function's own folder fails with and without it; `save_path: /tmp/` lets it through, as in the lab",
    why: 'code that was built is never writable here, and there is no container with a folder of its own',
  },
  combined: {
    lab: 4,
    step: 'stderr appears in the answer until `combine_output: false`',
    instead: '`combine_output: true` brings it there first; `false` then as in the lab',
    why: 'in the platform stderr goes to the log unless something else is asked for',
  },
  gateway: {
    lab: 4,
    step: 'the gateway as `http://gateway.openfaas:8080`',
    instead: '`gateway_hostname` and the port of this platform',
    why: 'a function runs in the network of the host and sees the gateway where everybody does',
  },
} as const satisfies Record<string, Replacement>;

export type ReplacedStep = keyof typeof replacements;

export const workshopPage = resolve(join(import.meta.dirname, '../../docs/workshop.md'));

/** The table of docs/workshop.md. */
export function renderReplacements(): string {
  const rows = Object.values(replacements).map(
    ({ lab, step, instead, why }) => `| ${lab} | ${step} | ${instead} | ${why} |`,
  );
  return ['| lab | step | here | why |', '|---:|---|---|---|', ...rows, ''].join('\n');
}
