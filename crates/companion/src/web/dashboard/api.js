// Asks /api/v1, and what all parts of the page share.
export const $ = (id) => document.getElementById(id);
let token = sessionStorage.getItem('ostler-token') || '';

export async function ask(path, options = {}) {
  const headers = new Headers(options.headers);
  if (token) headers.set('Authorization', 'Bearer ' + token);
  const answer = await fetch(path, { ...options, headers });
  if (answer.status === 401) {
    await login();
    return ask(path, options);
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    const { message, hint } = said.error || {};
    throw new Error([message || 'status ' + answer.status, hint].filter(Boolean).join('; '));
  }
  return answer;
}

let asking = null;
function login() {
  asking ??= new Promise((resolve) => {
    $('login').addEventListener('close', () => {
      token = $('token').value.trim();
      $('token').value = '';
      sessionStorage.setItem('ostler-token', token);
      asking = null;
      resolve();
    }, { once: true });
    $('login').showModal();
  });
  return asking;
}

/* Reads server-sent events of an answer; a token can be shown so, which EventSource cannot. */
export async function events(answer, on) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split('\n\n');
    text = parts.pop();
    for (const part of parts) {
      let name = '', data = '', id;
      for (const line of part.split('\n')) {
        if (line.startsWith('event: ')) name = line.slice(7);
        else if (line.startsWith('data: ')) data = line.slice(6);
        else if (line.startsWith('id: ')) id = line.slice(4);
      }
      if (name) on(name, JSON.parse(data), id);
    }
  }
}

export function say(text, bad = false) {
  $('message').textContent = text;
  $('message').className = bad ? 'bad' : '';
}

export function put(node, text) { if (node.textContent !== text) node.textContent = text; }

/* How the API names the app of a process. */
export const wordOf = (process) => encodeURIComponent(process.namespace + '/' + process.name);

export function size(bytes) {
  const units = ['B', 'K', 'M', 'G', 'T'];
  let at = 0;
  while (1024 <= bytes && at < 4) { bytes /= 1024; at++; }
  return (at ? bytes.toFixed(1) : bytes) + units[at];
}
