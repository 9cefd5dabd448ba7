// The portal: one table of functions, asked for again every few seconds while somebody looks at it.
const refreshMs = 3000;
const gatewayKey = 'gateway';
const columns = ['Function', 'Namespace', 'State', 'Replicas', 'Invocations', 'Image'];

const table = document.querySelector('#table');
const rows = document.querySelector('#functions');
const empty = document.querySelector('#empty');
const status = document.querySelector('#status');
const gateway = document.querySelector('#gateway');
let latest = 0;

document.querySelector('#settings').addEventListener('submit', (event) => event.preventDefault());
gateway.value = localStorage.getItem(gatewayKey) ?? '';
gateway.addEventListener('input', chooseGateway);
document.addEventListener('visibilitychange', () => void refresh());
setInterval(() => void refresh(), refreshMs);
void refresh();

/** Emptied, the field goes back to what the platform says. */
function chooseGateway() {
  if (!gateway.checkValidity()) return;
  if (gateway.value === '') localStorage.removeItem(gatewayKey);
  else localStorage.setItem(gatewayKey, gateway.value);
  void refresh();
}

async function refresh() {
  if (document.hidden) return;
  const turn = ++latest;
  try {
    await fillGateway();
    const functions = await loadFunctions();
    if (turn === latest) show(functions);
  } catch (error) {
    if (turn === latest) say(`The platform cannot be asked: ${error.message}`, true);
  }
}

/** The same host under the port functions are served at, unless somebody said otherwise. */
async function fillGateway() {
  if (gateway.placeholder !== '') return;
  const { functionsPort } = await getJson('/config.json');
  gateway.placeholder = `${location.protocol}//${location.hostname}:${functionsPort}`;
}

async function loadFunctions() {
  const namespaces = await getJson('/system/namespaces');
  const lists = await Promise.all(
    namespaces.map((name) => getJson(`/system/functions?namespace=${encodeURIComponent(name)}`)),
  );
  const functions = lists.flat().sort((a, b) => a.name.localeCompare(b.name, 'en'));
  return Promise.all(functions.map(async (fn) => ({ ...fn, ...(await stateOf(fn)) })));
}

/** Only a function that should run and does not is asked about further: its newest revision may have failed. */
async function stateOf({ name, namespace = '', replicas = 0, availableReplicas = 0 }) {
  if (availableReplicas > 0) return { state: 'ready' };
  if (replicas === 0) return { state: 'asleep' };
  const query = new URLSearchParams({ namespace });
  const revisions = await getJson(`/system/function/${encodeURIComponent(name)}/revisions?${query}`).catch(() => []);
  const one = revisions.find((revision) => revision.serving) ?? revisions[0];
  if (one?.failure === undefined) return { state: 'starting' };
  return { state: 'failed', why: one.failure.split('\n')[0] };
}

/** Asked by the full address of this page's origin: a page opened as http://user:password@host cannot ask by path. */
async function getJson(path) {
  const response = await fetch(location.origin + path, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`${response.status} ${(await response.text()).slice(0, 200)}`);
  return response.json();
}

/** Rows are kept and only their texts change, so that focus and selection survive a refresh. */
function show(functions) {
  const count = functions.length === 1 ? '1 function' : `${functions.length} functions`;
  say(functions.length === 0 ? '' : count, false);
  empty.hidden = functions.length > 0;
  table.hidden = functions.length === 0;
  while (rows.rows.length > functions.length) rows.deleteRow(-1);
  functions.forEach((fn, index) => fill(rows.rows[index] ?? rows.appendChild(createRow()), fn));
}

function createRow() {
  const row = document.createElement('tr');
  const name = document.createElement('th');
  name.scope = 'row';
  name.append(document.createElement('span'), document.createElement('a'));
  row.append(name);
  for (const label of columns.slice(1)) {
    const cell = document.createElement('td');
    const text = document.createElement('span');
    cell.dataset.label = label;
    if (label === 'Replicas' || label === 'Invocations') cell.className = 'number';
    cell.append(text);
    row.append(cell);
  }
  const why = document.createElement('div');
  why.className = 'why';
  row.cells[2].append(why);
  return row;
}

function fill(row, fn) {
  const { name, namespace = 'openfaas-fn', state, why = '', replicas = 0, availableReplicas = 0 } = fn;
  const texts = [name, namespace, state, `${availableReplicas}/${replicas}`, fn.invocationCount ?? 0, fn.image];
  texts.forEach((text, column) => setText(row.cells[column].firstChild, String(text)));
  row.cells[2].firstChild.className = `state ${state}`;
  setText(row.querySelector('.why'), why);
  const link = row.querySelector('a');
  link.href = urlOf(name, namespace);
  setText(link, link.href);
}

function urlOf(name, namespace) {
  const suffix = namespace === 'openfaas-fn' ? '' : `.${namespace}`;
  return `${(gateway.value || gateway.placeholder).replace(/\/+$/, '')}/function/${name}${suffix}`;
}

/** Text only: what a function calls itself must not become markup. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function say(text, isError) {
  setText(status, text);
  status.classList.toggle('error', isError);
}
