import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { covers } from '../support/covers.ts';
import { requirement } from '../support/require.ts';
import { until } from '../support/until.ts';
import { type ReplacedStep, replacements } from '../support/workshop-replacements.ts';
import { buildFaasCli } from './go-program.ts';
import { startWorkshop, templateStore, type Workshop } from './workshop-world.ts';

const client = buildFaasCli();
const astronauts = {
  number: 2,
  people: [
    { craft: 'ISS', name: 'Ada' },
    { craft: 'ISS', name: 'Ada' },
  ],
  message: 'success',
};

suite('labs 1 to 4 of the OpenFaaS workshop', () => {
  test('are followed to their end, with nothing replaced but what docs/workshop.md lists', {
    timeout: 900_000,
  }, async (t) => {
    if (!requirement(t, 'file' in client, 'missing' in client ? client.missing : '')) return;
    const shop = await startWorkshop(t, 'file' in client ? client.file : '');
    const used = new Set<ReplacedStep>();
    const replace = (...steps: readonly ReplacedStep[]): void => steps.forEach((step) => used.add(step));
    await t.test('lab 1: prepare', () => prepare(shop, replace));
    await t.test('lab 2: test things out', () => testThingsOut(shop, replace));
    await t.test('lab 3: hello world', () => helloWorld(shop, replace));
    await t.test('lab 3: a dependency, logs and variables', () => findAstronauts(shop, replace));
    await t.test('lab 3: several functions, templates, a program', () => manageMany(shop, replace));
    await t.test('lab 4: configuration by environment and request', () => configure(shop, replace));
    await t.test('lab 4: a read-only file system, and logging', () => lockAndLog(shop, replace));
    await t.test('lab 4: workflows', () => chain(shop, replace));
    assert.deepEqual([...used].sort(), Object.keys(replacements).sort(), 'every replacement is one that was needed');
  });
});

type Replace = (...steps: readonly ReplacedStep[]) => void;

const ours = '--url $OPENFAAS_URL/store.json';

const builder = '--remote-builder $OPENFAAS_URL/build --payload-secret $TINDERBOX_DATA_DIR/payload-secret';

/** What `faas-cli up` of the labs is here. */
async function up(shop: Workshop, file: string): Promise<void> {
  await shop.sh(`faas-cli up --publish -f ${file} ${builder}`);
}

async function prepare(shop: Workshop, replace: Replace): Promise<void> {
  covers('variable', 'faas-cli OPENFAAS_URL');
  replace('docker', 'cluster', 'password');
  assert.match(await shop.sh('faas-cli help'), /Manage your OpenFaaS functions/);
  shop.set('OPENFAAS_PREFIX', 'workshop');
  shop.set('OPENFAAS_URL', shop.platform.url);
  assert.match(await shop.sh('faas-cli version --warn-update=false'), /CLI:/);
  const password = 'cat $TINDERBOX_DATA_DIR/password';
  await shop.sh(`echo -n $(${password}) | faas-cli login --username admin --password-stdin`);
  await shop.sh('faas-cli list');
  assert.match(await shop.sh('faas-cli version --warn-update=false'), /tinderbox/);
}

async function testThingsOut(shop: Workshop, replace: Replace): Promise<void> {
  covers('command', 'store list', 'store describe', 'store deploy');
  replace('store', 'portal', 'readme', 'grafana');
  await shop.sh('mkdir -p lab2');
  shop.enter('lab2');
  const listed = await shop.sh(`faas-cli store list ${ours}`);
  assert.equal(await shop.sh('tinderbox store list'), listed);
  // Sorted: faas-cli prints maps in any order.
  const linesOf = (text: string): readonly string[] => text.split('\n').sort();
  for (const name of ['figlet', 'sleep', 'cron-echo']) {
    const described = await shop.sh(`faas-cli store describe ${name} ${ours}`);
    assert.deepEqual(linesOf(await shop.sh(`tinderbox store describe ${name}`)), linesOf(described));
  }
  for (const name of ['markdown', 'nodeinfo', 'env', 'figlet']) await shop.sh(`faas-cli store deploy ${name} ${ours}`);
  for (const name of ['markdown', 'nodeinfo', 'env', 'figlet'])
    await shop.sh(`faas-cli ready ${name} --interval 100ms`);
  const heading = "echo '## The **OpenFaaS** _workshop_' | faas-cli invoke markdown";
  assert.equal(await shop.sh(heading), '<h2>The <strong>OpenFaaS</strong> <em>workshop</em></h2>\n');
  assert.ok((await shop.sh('echo 100% | faas-cli invoke figlet')).includes('|_|\\___/ \\___/_/(_)'));
  await until('two invocations are counted', async () => /markdown\s+1\s+1/.test(await shop.sh('faas-cli list')));
  assert.match(await shop.sh('faas-cli list --verbose'), /figlet\s+tinderbox-store\/figlet:1\s+1\s+1/);
  assert.equal(await shop.sh('echo "# Hi" | faas-cli invoke markdown'), '<h1>Hi</h1>\n');
  const readme = new URL('../../README.md', import.meta.url).pathname;
  assert.match(await shop.sh(`cat ${readme} | faas-cli invoke markdown`), /<h1>Tinderbox<\/h1>/);
  const metrics = await shop.sh(`curl -sf ${shop.platform.metricsUrl}/metrics`);
  assert.match(metrics, /^gateway_function_invocation_total\{.*function_name="markdown\.openfaas-fn".*\} \d+$/m);
}

async function helloWorld(shop: Workshop, replace: Replace): Promise<void> {
  replace('repositories', 'up');
  shop.enter('');
  await shop.sh('mkdir -p lab3');
  shop.enter('lab3');
  await shop.sh('faas-cli template pull');
  assert.match(await shop.sh('faas-cli new --list'), /- dockerfile\n- python3\n/);
  await shop.make('hello-openfaas', 'faas-cli new --lang python3 hello-openfaas --prefix="functions"');
  assert.match(shop.read('hello-openfaas/handler.py'), /def handle\(req\)/);
  const stack = shop.stackOf('hello-openfaas');
  assert.match(shop.read(stack), /image: functions\/hello-openfaas/);
  shop.write('hello-openfaas/handler.py', 'def handle(req):\n    return "Hello OpenFaaS"\n');
  await up(shop, stack);
  assert.match(await shop.sh('echo | faas-cli invoke hello-openfaas'), /^Hello OpenFaaS/);
  assert.match(await shop.sh('curl -sf $OPENFAAS_URL/function/hello-openfaas'), /^Hello OpenFaaS/);
}

async function findAstronauts(shop: Workshop, replace: Replace): Promise<void> {
  replace('astronauts', 'logs');
  const space = await shop.serve((_request, response) => response.end(JSON.stringify(astronauts)));
  await shop.make('astronaut-finder', 'faas-cli new --lang python3 astronaut-finder --prefix="functions"');
  const stack = shop.stackOf('astronaut-finder');
  shop.write('astronaut-finder/requirements.txt', 'requests\n');
  shop.write(
    'astronaut-finder/handler.py',
    `import random
import sys

import requests


def handle(req):
    people = requests.get("${space}/astros.json").json()["people"]
    sys.stderr.write("found %d\\n" % len(people))
    return "%s is in space" % random.choice(people)["name"]
`,
  );
  await up(shop, stack);
  assert.match(await shop.sh('echo | faas-cli invoke astronaut-finder'), /^Ada is in space/);
  const logged = async (): Promise<boolean> =>
    /found 2/.test(await shop.sh('faas-cli logs astronaut-finder --tail=false'));
  await until('the log has the line', logged);

  const text = shop.read(stack);
  shop.write(
    stack,
    text.replace(
      /( +)image: functions\/astronaut-finder:(?:latest|0\.1\.0)/,
      '$&\n$1environment:\n$1  write_debug: true',
    ),
  );
  await shop.sh(`faas-cli deploy -f ${stack}`);
  assert.match(await shop.sh('faas-cli describe astronaut-finder'), /write_debug: true/);

  shop.write(stack, shop.read(stack).replace('image: functions/', 'image: ${DOCKER_USER:-development}/'));
  const publish = `faas-cli publish -f ${stack} ${builder}`;
  assert.match(await shop.sh(publish), /image: development\/astronaut-finder:latest/);
  assert.match(await shop.sh(`DOCKER_USER=functions ${publish}`), /image: functions\/astronaut-finder:latest/);
}

async function manageMany(shop: Workshop, replace: Replace): Promise<void> {
  covers('command', 'template pull', 'template store list', 'template store describe', 'template store pull');
  covers('variable', 'faas-cli OPENFAAS_TEMPLATE_STORE_URL');
  replace('templates', 'sorter');
  await shop.make('first', 'faas-cli new --lang python3 first');
  const first = shop.stackOf('first');
  await shop.sh(`faas-cli new --lang python3 second --append=./${first}`);
  await shop.sh(`mv ${first} example.yml`);
  const parallel = await shop.sh(`faas-cli publish -f ./example.yml --parallel=2 ${builder}`);
  assert.match(parallel, /image: workshop\/first:latest/);
  assert.match(parallel, /image: workshop\/second:latest/);
  assert.doesNotMatch(await shop.sh(`faas-cli publish -f ./example.yml --filter=second ${builder}`), /first/);

  await shop.sh('faas-cli template pull https://github.com/openfaas-incubator/python3-debian');
  assert.match(await shop.sh('faas-cli new --list | grep python'), /- python3\n- python3-debian\n/);
  shop.set('OPENFAAS_TEMPLATE_STORE_URL', `${await shop.serve((_request, response) => response.end(templateStore))}/`);
  assert.match(await shop.sh('faas-cli template store list | grep golang'), /golang-http .*openfaas/);
  assert.match(
    await shop.sh('faas-cli template store describe golang-http'),
    /^Official(?: Template)?: +(?:true|\[x\])$/m,
  );
  await shop.sh('faas-cli template store pull golang-http');
  assert.match(await shop.sh('faas-cli new --list'), /- golang-http\n/);

  shop.write(
    'sorter.yml',
    'provider: {name: openfaas}\nfunctions:\n  sorter: {lang: exec, handler: ./sorter, image: sorter, fprocess: sort}\n',
  );
  await shop.sh('mkdir sorter && touch sorter/README.md');
  await shop.sh('tinderbox build -f sorter.yml');
  await shop.sh('faas-cli deploy -f sorter.yml');
  const sorted = await shop.sh("printf 'zebra\\nhorse\\naardvark\\n' | faas-cli invoke sorter");
  assert.match(sorted, /^aardvark\nhorse\nzebra\n/);
}

async function configure(shop: Workshop, replace: Replace): Promise<void> {
  replace('alpine');
  shop.enter('');
  await shop.sh('cp -r lab3 lab4');
  shop.enter('lab4');
  await shop.sh('mkdir alpine && touch alpine/README.md');
  await shop.sh(
    'tinderbox build --name alpine --image functions/alpine:latest --lang exec --fprocess cat --handler ./alpine',
  );
  await shop.sh('faas-cli deploy --name env --fprocess="env" --image="functions/alpine:latest"');
  await shop.sh('faas-cli ready env --interval 100ms');
  const queried = await shop.sh('echo "" | faas-cli invoke env --query workshop=1');
  for (const line of ['Http_Query=workshop=1', 'Http_Method=POST', 'Http_Content_Type=text/plain', 'fprocess=env']) {
    assert.ok(queried.includes(`${line}\n`), `${line}\n${queried}`);
  }
  const path = await shop.sh('curl -sf -X GET $OPENFAAS_URL/function/env/some/path -d ""');
  assert.match(path, /^Http_Path=\/some\/path$/m);
  assert.match(path, /^Http_Method=GET$/m);
  const header = await shop.sh('curl -sf $OPENFAAS_URL/function/env --header "X-Output-Mode: json" -d ""');
  assert.match(header, /^Http_X_Output_Mode=json$/m);
}

async function lockAndLog(shop: Workshop, replace: Replace): Promise<void> {
  replace('home', 'combined');
  await shop.make('ingest-file', 'faas-cli new --lang python3 ingest-file --prefix=your-name');
  const stack = shop.stackOf('ingest-file');
  shop.write(
    'ingest-file/handler.py',
    `import os
import time


def handle(req):
    name = os.getenv("save_path", "/home/app/") + str(time.time())
    with open(name, "w") as file:
        file.write(req)
    return name
`,
  );
  const plain = shop.read(stack);
  const withLines = (...lines: readonly string[]): void => {
    const found = /( +)image: your-name\/ingest-file:latest/;
    shop.write(
      stack,
      plain.replace(found, (line, indent: string) => [line, ...lines.map((text) => indent + text)].join('\n')),
    );
  };
  const invoke = `cat message.txt | faas-cli invoke -f ${stack} ingest-file`;
  await shop.sh('echo "Hello function" > message.txt');
  for (const lines of [[], ['readonly_root_filesystem: true']]) {
    withLines(...lines, 'environment:', '  save_path: "./"');
    await up(shop, stack);
    assert.match(await shop.fails(invoke), /status code: 500/);
  }
  withLines('readonly_root_filesystem: true', 'environment:', '  save_path: "/tmp/"');
  await up(shop, stack);
  const written = `cat message.txt | curl -s --data-binary @- $OPENFAAS_URL/function/ingest-file`;
  let answer = '';
  const isWritten = async (): Promise<boolean> => /^\/tmp\/\d+\.\d+$/m.test((answer = await shop.sh(written)));
  await until('the new revision answers', isWritten, 60_000).catch(async (reason: Error) => {
    assert.fail(`${reason.message}; the last answer: ${answer}\n${await shop.sh('tinderbox describe ingest-file')}`);
  });
  assert.match(await shop.sh(invoke), /^\/tmp\/\d+\.\d+/);

  const hello = shop.stackOf('hello-openfaas');
  shop.write(
    'hello-openfaas/handler.py',
    `import json
import sys


def handle(req):
    sys.stderr.write("This should be an error message.\\n")
    return json.dumps({"Hello": "OpenFaaS"})
`,
  );
  const text = shop.read(hello);
  const invokeHello = 'echo | faas-cli invoke hello-openfaas';
  for (const [combined, answer] of [
    [
      'true',
      /This should be an error message\.\n\{"Hello": "OpenFaaS"\}\n|\{"Hello": "OpenFaaS"\}\nThis should be an error message\.\n/,
    ],
    ['false', /^\{"Hello": "OpenFaaS"\}\n+$/],
  ] as const) {
    const extra = `\n    environment:\n      combine_output: ${combined}`;
    shop.write(hello, text.replace(/image: functions\/hello-openfaas:latest/, `$&${extra}`));
    await up(shop, hello);
    await until(`combine_output ${combined}`, async () => answer.test(await shop.sh(invokeHello)), 60_000);
  }
  const logged = async (): Promise<boolean> =>
    /This should be an error message\./.test(await shop.sh('faas-cli logs hello-openfaas --tail=false'));
  await until('the log has the line', logged);
}

async function chain(shop: Workshop, replace: Replace): Promise<void> {
  replace('gateway');
  const piped = await shop.sh('echo -n "" | faas-cli invoke nodeinfo | faas-cli invoke markdown');
  assert.match(piped, /^<p>Hostname: .+<\/p>\n<p>Platform: linux\nArch: /);
  await shop.sh(`faas-cli store deploy SentimentAnalysis ${ours} --timeout 5m`);
  await shop.sh('faas-cli ready sentimentanalysis --interval 100ms');
  const sentence = `echo -n "California is great, it's always sunny there." | faas-cli invoke`;
  assert.deepEqual(JSON.parse(await shop.sh(`${sentence} sentimentanalysis`)), {
    polarity: 0.8,
    sentence_count: 1,
    subjectivity: 0.75,
  });
  await shop.make('mood', 'faas-cli new --lang python3 mood --prefix=functions');
  const stack = shop.stackOf('mood');
  shop.write('mood/requirements.txt', 'requests\n');
  shop.write(
    'mood/handler.py',
    `import os
import sys

import requests


def handle(req):
    gateway_hostname = os.getenv("gateway_hostname", "gateway.openfaas:8080")
    answer = requests.get("http://" + gateway_hostname + "/function/sentimentanalysis", data=req)
    if answer.status_code != 200:
        sys.exit("sentimentanalysis answered %d\\n" % answer.status_code)
    return "That was probably positive" if answer.json()["polarity"] > 0.45 else "That was neutral or negative"
`,
  );
  const host = new URL(shop.platform.url).host;
  shop.write(
    stack,
    shop.read(stack).replace(/image: functions\/mood:latest/, `$&\n    environment:\n      gateway_hostname: ${host}`),
  );
  await up(shop, stack);
  await until(
    'it is ready',
    async () => (await fetch(`${shop.platform.url}/function/mood`, { method: 'POST', body: 'x' })).ok,
  );
  assert.match(await shop.sh(`${sentence} mood`), /^That was probably positive/);
  assert.match(await shop.sh('echo -n "What a terrible day." | faas-cli invoke mood'), /^That was neutral or negative/);
}
