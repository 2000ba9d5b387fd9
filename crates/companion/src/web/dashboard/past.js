// What was with the process that is selected: its figures as charts, and errors in its logs.
import { $, ask, put, size, wordOf } from './api.js';

let selected = null;

/* Shows what was with this process; of none, nothing. */
export function show(process) {
  selected = process ?? null;
  if (drawn !== (selected?.id ?? null)) history();
  if (looked !== (selected && wordOf(selected))) found();
}

/* A line of figures; where nobody looked, it has a gap. */
function chart(id, name, samples, { step, span }, of, text) {
  const until = Date.now(), most = Math.max(...samples.map(of), 0);
  const path = samples.map((sample, at) => {
    const goesOn = at && sample.at_ms - samples[at - 1].at_ms <= 1500 * step;
    const x = 600 * (1 - (until - sample.at_ms) / (1000 * span)), y = 78 - 76 * of(sample) / (most || 1);
    return `${goesOn ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}${goesOn ? '' : 'h.1'}`;
  });
  const svg = $(id), last = samples.at(-1);
  const said = last ? `${name}: ${text(of(last))} now, at most ${text(most)}` : `${name}: nothing written down yet`;
  svg.firstElementChild.setAttribute('d', path.join(''));
  svg.setAttribute('aria-label', said);
  put(svg.nextElementSibling, said);
}

let drawn = null;
async function history() {
  const process = selected, range = $('range').value;
  drawn = process?.id ?? null;
  $('history').hidden = !process;
  if (!process) return;
  put($('title-history'), `History of ${process.name} ${process.id}`);
  try {
    const told = await (await ask(`/api/v1/processes/${process.id}/history?range=${range}`)).json();
    const one = told.processes.find((one) => one.id === process.id);
    if (!one || drawn !== process.id) return;
    const time = { step: told.step_seconds, span: range === 'day' ? 86400 : 3600 };
    chart('cpu', 'CPU', one.samples, time, (sample) => sample.cpu_percent, (of) => of.toFixed(1) + '%');
    chart('memory', 'Memory', one.samples, time, (sample) => sample.memory_bytes, size);
    /* Of an app that measures the requests that it answers. */
    const measured = one.samples.filter((sample) => sample.http_p95_ms !== null);
    for (const id of ['requests', 'latency']) $(id).parentElement.hidden = !measured.length;
    chart('requests', 'Requests', measured, time, (sample) => sample.http_requests_per_minute, (of) => of.toFixed(1) + ' a minute');
    chart('latency', '95 of 100 requests within', measured, time, (sample) => sample.http_p95_ms, (of) => of.toFixed(1) + ' ms');
  } catch { /* The list says what is wrong. */ }
}

/* Errors in the logs of the app that is selected, those alike counted. */
let looked = null, looking = null;
async function found() {
  looking?.abort();
  const { signal } = looking = new AbortController();
  $('found').hidden = !selected;
  looked = selected && wordOf(selected);
  if (!selected) return;
  put($('title-errors'), `Errors of ${selected.name}`);
  put($('none'), 'looking …');
  try {
    const answer = await ask(`/api/v1/processes/${looked}/errors?since=${$('since').value}`, { signal });
    const { errors } = await answer.json();
    put($('none'), errors.length ? '' : 'none');
    $('groups').replaceChildren(...errors.map(({ count, first, last, message }) => {
      const group = document.createElement('details'), summary = document.createElement('summary'), text = document.createElement('pre');
      const time = (at) => new Date(at).toLocaleString();
      const when = last ? (first === last ? `, ${time(last)}` : `, ${time(first)} to ${time(last)}`) : '';
      summary.textContent = `${count} × ${message.split('\n')[0]}${when}`;
      text.textContent = message;
      text.tabIndex = 0;
      group.append(summary, text);
      return group;
    }));
  } catch (error) {
    if (!signal.aborted) put($('none'), error.message);
  }
}

$('range').addEventListener('change', history);
$('since').addEventListener('change', found);
$('look').addEventListener('click', found);
setInterval(() => document.hidden || $('login').open || history(), 10000);
