// The portal: one table of functions, asked for again every few seconds while somebody looks at it.
const refreshMs = 3000;
const gatewayKey = 'gateway';

const rows = document.querySelector('#functions');
const status = document.querySelector('#status');
const gateway = document.querySelector('#gateway');

gateway.value = localStorage.getItem(gatewayKey) ?? (await askGateway());
gateway.addEventListener('input', () => {
  if (!gateway.checkValidity()) return;
  localStorage.setItem(gatewayKey, gateway.value);
  void refresh();
});
document.querySelector('#settings').addEventListener('submit', (event) => event.preventDefault());
document.addEventListener('visibilitychange', () => void refresh());
setInterval(() => void refresh(), refreshMs);
void refresh();

/** The same host under the port functions are served at, unless somebody said otherwise. */
async function askGateway() {
  const { functionsPort } = await (await fetch('config.json')).json();
  return `${location.protocol}//${location.hostname}:${functionsPort}`;
}

async function refresh() {
  if (document.hidden) return;
  try {
    const functions = await loadFunctions();
    show(functions.map(toCells));
    const count = functions.length === 1 ? '1 function' : `${functions.length} functions`;
    say(functions.length === 0 ? 'No functions yet. Make one with: tinderbox new hello --lang node' : count, false);
  } catch (error) {
    say(`The platform cannot be asked: ${error.message}`, true);
  }
}

async function loadFunctions() {
  const namespaces = await getJson('/system/namespaces');
  const lists = await Promise.all(
    namespaces.map((name) => getJson(`/system/functions?namespace=${encodeURIComponent(name)}`)),
  );
  const functions = lists.flat().sort((a, b) => a.name.localeCompare(b.name, 'en'));
  return Promise.all(functions.map(async (fn) => ({ ...fn, state: await stateOf(fn) })));
}

/** Only a function that should run and does not is asked about further: its newest revision may have failed. */
async function stateOf({ name, namespace = '', replicas = 0, availableReplicas = 0 }) {
  if (availableReplicas > 0) return 'ready';
  if (replicas === 0) return 'asleep';
  const query = new URLSearchParams({ namespace });
  const revisions = await getJson(`/system/function/${encodeURIComponent(name)}/revisions?${query}`).catch(() => []);
  const serves = revisions.some((revision) => revision.serving);
  return !serves && revisions[0]?.state === 'failed' ? 'failed' : 'starting';
}

async function getJson(path) {
  const response = await fetch(path, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`${response.status} ${(await response.text()).slice(0, 200)}`);
  return response.json();
}

function toCells(fn) {
  const {
    name,
    namespace = 'openfaas-fn',
    state,
    replicas = 0,
    availableReplicas = 0,
    invocationCount = 0,
    image,
  } = fn;
  return {
    name,
    namespace,
    state,
    replicas: `${availableReplicas}/${replicas}`,
    invocations: String(invocationCount),
    image,
  };
}

/** Rows are kept and only their texts change, so that focus and selection survive a refresh. */
function show(functions) {
  while (rows.rows.length > functions.length) rows.deleteRow(-1);
  functions.forEach((fn, index) => {
    const row = rows.rows[index] ?? rows.appendChild(createRow());
    const texts = [fn.name, fn.namespace, fn.state, fn.replicas, fn.invocations, fn.image];
    texts.forEach((text, column) => setText(row.cells[column], text));
    const link = row.querySelector('a');
    link.href = urlOf(fn);
    setText(link, link.href);
  });
}

function createRow() {
  const row = document.createElement('tr');
  const name = document.createElement('th');
  name.scope = 'row';
  row.append(name);
  for (let column = 1; column < 7; column++) row.append(document.createElement('td'));
  row.cells[3].className = 'number';
  row.cells[4].className = 'number';
  row.cells[6].append(document.createElement('a'));
  return row;
}

function urlOf({ name, namespace }) {
  const suffix = namespace === 'openfaas-fn' ? '' : `.${namespace}`;
  return `${gateway.value.replace(/\/+$/, '')}/function/${name}${suffix}`;
}

/** Text only: what a function calls itself must not become markup. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function say(text, isError) {
  setText(status, text);
  status.classList.toggle('error', isError);
}
