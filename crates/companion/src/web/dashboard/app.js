// The page over /api/v1. What apps write is only ever put in as text.
import { $, ask, events, put, say, size, wordOf } from './api.js';
import { show } from './past.js';

const MOST_LINES = 2000;
let list = [], chosen = null, paused = false;

function confirmed(question) {
  $('question').textContent = question;
  $('ask').returnValue = '';
  $('ask').showModal();
  return new Promise((resolve) =>
    $('ask').addEventListener('close', () => resolve($('ask').returnValue === 'yes'), { once: true }));
}

async function act(what, process) {
  const one = '/api/v1/processes/' + process.id;
  const app = '/api/v1/processes/' + wordOf(process);
  if (what === 'delete' && !await confirmed(`Delete ${process.name} ${process.id}?`)) return;
  if (what === 'stop' && !await confirmed(`Stop ${process.name} ${process.id}?`)) return;
  say(`${what} ${process.name} …`);
  try {
    if (what === 'delete') await ask(one, { method: 'DELETE' });
    else if (what === '+1' || what === '-1') {
      const body = JSON.stringify({ instances: what });
      const headers = { 'Content-Type': 'application/json' };
      await ask('/api/v1/processes/' + encodeURIComponent(process.name) + '/scale', { method: 'POST', headers, body });
    } else if (['reload', 'promote', 'rollback'].includes(what)) {
      const headers = { Accept: 'text/event-stream' };
      const answer = await ask(app + '/' + what, { method: 'POST', headers });
      await events(answer, (name, data) => {
        if (name === 'step') say(data.text);
        if (name === 'error') throw new Error(data.message);
      });
    } else await ask(one + '/' + what, { method: 'POST' });
    say(`${what} ${process.name}: done`);
  } catch (error) {
    say(`${what} ${process.name}: ${error.message}`, true);
  }
  await refresh();
}

function since(ms) {
  if (!ms) return '-';
  const seconds = Math.max(0, Math.round((Date.now() - ms) / 1000));
  for (const [unit, of] of [['d', 86400], ['h', 3600], ['m', 60]])
    if (of <= seconds) return Math.floor(seconds / of) + unit;
  return seconds + 's';
}

function cell(row, text, name, label) {
  const td = document.createElement('td');
  td.textContent = text;
  if (name) td.className = name;
  if (label) td.dataset.label = label;
  row.append(td);
  return td;
}

const ACTIONS = [['Restart', 'restart'], ['Reload', 'reload'], ['+', '+1'], ['−', '-1'], ['Delete', 'delete']];
/* What stands there instead of the first two while a canary waits. */
const CANARY = [['Promote', 'promote'], ['Roll back', 'rollback']];
const rows = new Map();

function rowOf(id) {
  if (rows.has(id)) return rows.get(id);
  const row = document.createElement('tr');
  const cells = [['number'], [''], [''], ['number', 'CPU'], ['number', 'memory'], ['number', 'restarts'], ['number', 'up']]
    .map(([name, label]) => cell(row, '', name, label));
  const actions = cell(row, '', 'actions');
  const buttons = [['Stop', 'stop'], ...ACTIONS].map(([text, what]) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text;
    button.dataset.what = what;
    button.addEventListener('click', () => {
      const process = list.find((of) => of.id === id);
      if (process) act(button.dataset.what, process);
    });
    actions.append(button);
    return button;
  });
  row.addEventListener('click', () => { chosen = id; draw(); });
  const made = { row, cells, buttons };
  rows.set(id, made);
  return made;
}

function draw() {
  const filter = $('filter').value.toLowerCase();
  const shown = list.filter((of) => (of.name + ' ' + of.namespace + ' ' + of.status).toLowerCase().includes(filter));
  if (!shown.some((of) => of.id === chosen)) chosen = shown[0]?.id ?? null;
  for (const [id, { row }] of rows)
    if (!shown.some((of) => of.id === id)) { row.remove(); rows.delete(id); }
  shown.forEach((of, at) => {
    const { row, cells, buttons } = rowOf(of.id);
    const up = of.pid ? since(of.started_at_ms) : '-';
    const end = of.last_end && !of.pid ? ': ' + of.last_end.how : '';
    [String(of.id), of.name, of.status + end, of.cpu_percent.toFixed(1) + '%', size(of.memory_bytes), String(of.restarts), up]
      .forEach((text, at) => put(cells[at], text));
    cells[2].className = of.status;
    row.setAttribute('aria-selected', String(of.id === chosen));
    const what = of.pid ? 'stop' : 'start';
    buttons[0].dataset.what = what;
    put(buttons[0], of.pid ? 'Stop' : 'Start');
    const decided = of.rollout === 'canary' ? CANARY : ACTIONS;
    decided.slice(0, 2).forEach(([text, what], at) => { buttons[at + 1].dataset.what = what; put(buttons[at + 1], text); });
    for (const button of buttons) button.setAttribute('aria-label', `${button.textContent} ${of.name} ${of.id}`);
    if ($('rows').children[at] !== row) $('rows').insertBefore(row, $('rows').children[at] || null);
  });
  show(list.find((of) => of.id === chosen));
  $('empty').hidden = list.length !== 0;
  const names = ['all', ...new Set(list.map((of) => of.name))];
  const of = $('of');
  if ([...of.options].map((one) => one.value).join('\n') !== names.join('\n')) {
    const before = of.value;
    of.replaceChildren(...names.map((name) => new Option(name, name)));
    of.value = names.includes(before) ? before : 'all';
    if (of.value !== before) follow();
  }
}

async function refresh() {
  try {
    list = (await (await ask('/api/v1/processes')).json()).processes;
    draw();
  } catch (error) {
    say(error.message, true);
  }
}

async function host() {
  try {
    const of = await (await ask('/api/v1/host')).json();
    const used = size(of.memory_used_bytes) + ' of ' + size(of.memory_total_bytes);
    put($('host'), `${of.hostname}: CPU ${of.cpu_percent.toFixed(0)} %, memory ${used}, load ${of.load[0]}`);
  } catch { /* The list says what is wrong. */ }
}

/* What runs on other machines, or why that is not known; this host asks them. */
async function others() {
  try {
    const { hosts } = await (await ask('/api/v1/hosts')).json();
    $('hosts').hidden = !hosts.length;
    const made = hosts.flatMap(({ name, processes, error }) => {
      const rowWith = (...cells) => {
        const row = document.createElement('tr');
        cell(row, name);
        cells.forEach(([text, kind, label]) => cell(row, text, kind, label));
        return row;
      };
      if (error) {
        const row = rowWith([error, 'errored']);
        row.lastElementChild.colSpan = 7;
        return [row];
      }
      if (!processes.length) return [rowWith(['-'], ['no process'], [''], [''], [''], [''], [''])];
      return processes.map((of) => rowWith([String(of.id)], [of.name], [of.status, of.status],
        [of.cpu_percent.toFixed(1) + '%', 'number', 'CPU'], [size(of.memory_bytes), 'number', 'memory'],
        [String(of.restarts), 'number', 'restarts'], [of.pid ? since(of.started_at_ms) : '-', 'number', 'up']));
    });
    $('others').replaceChildren(...made);
  } catch (error) {
    say(error.message, true);
  }
}

const kept = [];
const isWanted = (line) => {
  const search = $('search').value.toLowerCase();
  return line.gap || ((!$('errors').checked || line.stream === 'err') && line.text.toLowerCase().includes(search));
};

function nodeOf(line) {
  const div = document.createElement('div');
  if (line.gap) {
    div.className = 'gap';
    div.textContent = '… something was missed; the log files have it';
    return div;
  }
  const who = document.createElement('span');
  who.className = 'who';
  who.textContent = `${line.name} ${line.id} | `;
  if (line.stream === 'err') div.className = 'err';
  div.append(who, line.text);
  return div;
}

let waiting = [];
function add(line) {
  kept.push(line);
  if (MOST_LINES < kept.length) kept.splice(0, kept.length - MOST_LINES);
  if (!isWanted(line) || paused) return;
  if (waiting.push(line) === 1) requestAnimationFrame(flush);
  if (MOST_LINES < waiting.length) waiting.splice(1, waiting.length - MOST_LINES);
}

function flush() {
  const lines = $('lines');
  const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
  lines.append(...waiting.map(nodeOf));
  waiting = [];
  while (MOST_LINES < lines.childElementCount) lines.firstElementChild.remove();
  if (atEnd) lines.scrollTop = lines.scrollHeight;
}

function again() {
  waiting = [];
  $('lines').replaceChildren(...kept.filter(isWanted).map(nodeOf));
  $('lines').scrollTop = $('lines').scrollHeight;
}

let stream = null;
async function follow() {
  stream?.abort();
  const mine = stream = new AbortController();
  const word = encodeURIComponent($('of').value);
  let last;
  kept.length = 0;
  again();
  while (!mine.signal.aborted) {
    try {
      const headers = last ? { 'Last-Event-ID': last } : {};
      const answer = await ask('/api/v1/logs?word=' + word, { headers, signal: mine.signal });
      await events(answer, (name, data, id) => {
        last = id || last;
        if (name === 'log') add(data);
        if (name === 'gap') add({ gap: true });
      });
    } catch { /* It ended, and is asked for again. */ }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function pause() {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', String(paused));
  put($('pause'), paused ? 'Go on' : 'Pause');
  if (!paused) again();
}

function move(by) {
  const ids = [...$('rows').children].map((row) => [...rows].find(([, of]) => of.row === row)[0]);
  const at = Math.min(Math.max(ids.indexOf(chosen) + by, 0), ids.length - 1);
  chosen = ids[at] ?? null;
  draw();
  rows.get(chosen)?.row.scrollIntoView({ block: 'nearest' });
}

function logsOf(process) {
  $('of').value = process.name;
  follow();
  $('lines').focus();
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (event.target.matches('input, select')) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  const process = list.find((of) => of.id === chosen);
  const on = (what) => process && act(what, process);
  const keys = {
    j: () => move(1), k: () => move(-1), '/': () => $('filter').focus(), '?': () => $('keys').showModal(), p: pause,
    s: () => on(process?.pid ? 'stop' : 'start'), r: () => on('restart'), l: () => on('reload'),
    '+': () => on('+1'), '-': () => on('-1'), d: () => on('delete'), o: () => process && logsOf(process),
  };
  if (Object.hasOwn(keys, event.key)) {
    event.preventDefault();
    keys[event.key]();
  }
});
$('help').addEventListener('click', () => $('keys').showModal());
$('filter').addEventListener('input', draw);
$('search').addEventListener('input', again);
$('errors').addEventListener('change', again);
$('of').addEventListener('change', follow);
$('pause').addEventListener('click', pause);
$('clear').addEventListener('click', () => { kept.length = 0; again(); });

await refresh();
follow();
host();
others();
setInterval(() => document.hidden || $('hosts').hidden || $('login').open || others(), 3000);
setInterval(() => document.hidden || $('login').open || refresh(), 1000);
setInterval(() => document.hidden || $('login').open || host(), 5000);
