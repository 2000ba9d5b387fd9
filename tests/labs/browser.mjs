// The dashboard in a real Chromium: every action by mouse and by the keyboard alone, light and
// dark, 360 px wide, 200 processes, 10,000 log lines a second, and axe-core, which must find nothing.
// Arguments: the program `ostler` (with the companion beside it), the folder with playwright-core
// and axe-core. `cargo xtask lab browser` runs it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const [program, modules] = process.argv.slice(2).map((given) => path.resolve(given));
const require = createRequire(path.join(modules, 'package.json'));
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const place = fs.mkdtempSync(path.join(os.tmpdir(), 'ostler-browser-'));
const env = { PATH: process.env.PATH, HOME: place, OSTLER_HOME: path.join(place, 'home') };
const ostler = (...words) => promisify(execFile)(program, words, { cwd: place, env });
const write = (name, text) => fs.writeFileSync(path.join(place, name), text);
const mebibytes = (bytes) => (bytes / 1024).toFixed(1) + ' KiB';

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

write('api.js', "require('http').createServer((_, answer) => answer.end()).listen(process.env.PORT, '127.0.0.1');");
// What it writes in 10 ms it writes at once: 10,000 lines a second.
write('noisy.js', `let number = 0; setInterval(() => {
  let text = '';
  for (let i = 0; i < 100; i += 1) text += 'line ' + (number += 1) + ' of what is written\\n';
  process.stdout.write(text);
}, 10);`);

write('fails.js', `for (const user of [7, 8]) console.error(new TypeError('user ' + user + ' is gone'));
setInterval(() => {}, 1000);`);

const processes = async () => JSON.parse((await ostler('jlist')).stdout);
const pids = async (name) => (await processes()).filter((of) => of.name === name).map((of) => of.pid);

async function until(what, ask) {
  const limit = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (limit < Date.now()) throw new Error('waited in vain for ' + what);
  }
}

/** The row of the process of this name, the first if there are several. */
const rowOf = (page, name) => page.locator('#rows tr', { has: page.locator(`td:nth-child(2):text-is("${name}")`) }).first();

async function accessible(page, where) {
  const found = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ['violations'] })`);
  const said = found.violations.map((of) => `${of.id}: ${of.nodes.map((node) => node.html).join(' ')}`);
  assert.deepEqual(said, [], `axe-core, ${where}`);
  console.log(`axe-core finds nothing: ${where}`);
}

/** Every action, each by the way it is given: a click, or a key. */
async function actions(page, press) {
  const before = await pids('api');
  await press('restart');
  await until('the restart', async () => (await pids('api'))[0] !== before[0]);
  await press('reload');
  await until('the reload', async () => !(await pids('api')).some((pid) => before.includes(pid)));
  await page.waitForFunction(() => document.getElementById('message').textContent === 'reload api: done');
  await press('+1');
  await until('one more', async () => (await pids('api')).length === 3);
  await press('-1');
  await until('one less', async () => (await pids('api')).length === 2);
  await press('stop');
  await until('the stop', async () => (await pids('api'))[0] === 0);
  await page.waitForFunction(() => document.querySelector('[data-what=start]'));
  await press('start');
  await until('the start', async () => (await pids('api'))[0] !== 0);
  await page.waitForFunction(() => !document.querySelector('[data-what=start]'));
}

async function byMouse(page) {
  const press = async (what) => {
    await rowOf(page, 'api').locator(`[data-what="${what}"]`).click();
    if (what === 'stop' || what === 'delete') await page.locator('#yes').click();
  };
  await actions(page, press);
  await ostler('reload', 'api', '--canary');
  await rowOf(page, 'api').locator('[data-what=promote]').click();
  await page.waitForFunction(() => document.getElementById('message').textContent === 'promote api: done');
  const spare = rowOf(page, 'spare');
  await spare.locator('[data-what=delete]').click();
  await page.locator('#ask button', { hasText: 'Cancel' }).click();
  assert.equal((await pids('spare')).length, 1, 'who cancels deletes nothing');
  await spare.locator('[data-what=delete]').click();
  await page.locator('#yes').click();
  await until('the deletion', async () => (await pids('spare')).length === 0);
  console.log('every action by mouse');
}

async function byKeyboard(page) {
  const keys = { restart: 'r', reload: 'l', '+1': '+', '-1': '-', stop: 's', start: 's', delete: 'd' };
  const press = async (what) => {
    await page.keyboard.press(keys[what]);
    if (what !== 'stop' && what !== 'delete') return;
    // The first is `Cancel`.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
  };
  const chosen = () => page.locator('#rows tr[aria-selected=true] td:nth-child(2)').textContent();
  await page.keyboard.press('/');
  await page.keyboard.type('api');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => [...document.querySelectorAll('#rows td:nth-child(2)')].every((of) => of.textContent === 'api'));
  assert.equal(await chosen(), 'api');
  await actions(page, press);
  await page.keyboard.press('/');
  for (const _ of 'api') await page.keyboard.press('Backspace');
  await page.keyboard.press('Escape');
  await until('the spare one', async () => {
    if (await chosen() === 'spare') return true;
    await page.keyboard.press('j');
    return false;
  });
  await press('delete');
  await until('the deletion', async () => (await pids('spare')).length === 0);
  await page.keyboard.press('?');
  await page.waitForSelector('#keys[open]');
  await page.keyboard.press('Escape');
  await page.keyboard.press('o');
  await page.waitForFunction(() => document.activeElement.id === 'lines');
  await page.keyboard.press('p');
  await page.waitForSelector('#pause[aria-pressed=true]');
  await page.keyboard.press('p');
  console.log('every action by the keyboard alone');
}

/** The errors of an app, found by its key and looked at. */
async function errors(page) {
  await ostler('start', 'fails.js', '--wait');
  await page.waitForFunction(() => [...document.querySelectorAll('#rows td:nth-child(2)')].some((of) => of.textContent === 'fails'));
  await rowOf(page, 'fails').locator('td:nth-child(2)').click();
  await page.waitForFunction(() => document.getElementById('title-errors').textContent === 'Errors of fails');
  await until('the errors', async () => {
    if (await page.locator('#groups summary').count()) return true;
    await page.locator('#look').click();
    return false;
  });
  const said = await page.locator('#groups summary').first().textContent();
  assert.match(said, /^2 × TypeError: user 7 is gone, /);
  await page.locator('#groups summary').first().press('Enter');
  await page.waitForSelector('#groups details[open] pre');
  await accessible(page, 'errors');
  await ostler('delete', 'fails');
  console.log('errors that are alike, counted');
}

/** Two other machines, of which one has no web API; this one shows both. */
async function otherMachines(page, web) {
  const home = path.join(place, 'other'), token = '0123456789abcdef0123';
  const there = (...words) => promisify(execFile)(program, words, { cwd: place, env: { ...env, OSTLER_HOME: home } });
  const [port, gone] = [await freePort(), await freePort()];
  fs.writeFileSync(path.join(place, 'tokens'), `read ${token}\n`, { mode: 0o600 });
  fs.writeFileSync(path.join(place, 'hosts'),
    `web1 http://127.0.0.1:${port} ${token}\nweb2 http://127.0.0.1:${gone} ${token}\n`, { mode: 0o600 });
  try {
    await there('start', '/bin/sleep', '--name', 'afar', '--', '100000');
    await there('web', String(port), '--token-file', 'tokens');
    assert.ok(await page.locator('#hosts').isHidden(), 'nothing is shown where no machine is named');
    await ostler('web', 'stop');
    await ostler('web', String(web), '--hosts-file', 'hosts');
    await page.reload();
    const cells = (name) => page.locator('#others tr', { hasText: name }).first().locator('td');
    await page.waitForFunction(() => 3 <= document.querySelectorAll('#others tr').length);
    assert.deepEqual((await cells('afar').allTextContents()).slice(0, 4), ['web1', '0', 'afar', 'online']);
    assert.match((await cells('web2').allTextContents())[1], /Connection refused/);
    for (const [width, height] of [[360, 740], [1100, 800]]) {
      await page.setViewportSize({ width, height });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} px are needed at ${width} with other machines`);
      await accessible(page, `other machines, ${width} px wide`);
    }
    await there('stop', 'afar');
    await page.waitForFunction(() => document.querySelector('#others td.stopped'));
    console.log('other machines are shown, and why one does not answer');
  } finally {
    await there('kill', '--silent').catch((error) => console.error(String(error)));
  }
}

async function noise(page) {
  await ostler('start', 'noisy.js');
  await page.waitForFunction(() => [...document.getElementById('of').options].some((of) => of.value === 'noisy'));
  await page.selectOption('#of', 'noisy');
  await page.waitForFunction(() => document.querySelectorAll('#lines div').length === 2000);
  const last = () => page.evaluate(() => Number(/line (\d+)/.exec(document.querySelector('#lines div:last-child').textContent)?.[1] ?? 0));
  const [from, at] = [await last(), performance.now()];
  // The time that the page takes to answer in between.
  const asked = [];
  while (performance.now() - at < 10_000) {
    const before = performance.now();
    await page.evaluate(() => new Promise(requestAnimationFrame));
    asked.push(performance.now() - before);
  }
  const rate = (await last() - from) / ((performance.now() - at) / 1000);
  asked.sort((a, b) => a - b);
  const p99 = asked[Math.floor(asked.length * 0.99)];
  const count = await page.locator('#lines div').count();
  assert.ok(count <= 2000, `${count} lines are kept`);
  assert.ok(5_000 < rate, `the page followed ${rate} lines a second`);
  console.log(`10 s of ${rate.toFixed(0)} lines a second: ${count} kept, a frame takes ${p99.toFixed(0)} ms at most in 99 of 100`);
  await page.fill('#search', 'line 7');
  await page.waitForFunction(() => [...document.querySelectorAll('#lines div')].every((of) => of.textContent.includes('line 7')));
  await page.fill('#search', '');
  await ostler('delete', 'noisy');
  await page.selectOption('#of', 'all');
}

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
});
try {
  env.PORT = String(await freePort());
  await ostler('start', 'api.js', '-i', '2', '--wait');
  await ostler('start', '/bin/sleep', '--name', 'spare', '--', '100000');
  await ostler('start', '/bin/sleep', '--name', 'many', '-i', '196', '--', '100000');
  const web = await freePort();
  await ostler('web', String(web));
  const own = `http://127.0.0.1:${web}`;
  const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const elsewhere = [], wrong = [];
  let bytes = 0;
  page.on('request', (request) => /^(data:|http:\/\/127\.0\.0\.1:)/.test(request.url()) || elsewhere.push(request.url()));
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('response', async (response) => {
    if (!response.url().includes('/dashboard')) return;
    bytes += (await response.request().sizes()).responseBodySize;
  });
  await page.goto(own + '/dashboard');
  await page.waitForSelector('#rows tr');
  const painted = await page.evaluate(async () => {
    const filled = performance.now();
    const [first] = performance.getEntriesByName('first-contentful-paint');
    return [first.startTime, filled];
  });
  await page.waitForFunction(() => 199 <= document.querySelectorAll('#rows tr').length);
  console.log(`${await page.locator('#rows tr').count()} processes; the page has ${mebibytes(bytes)}; painted after ${painted[0].toFixed(0)} ms, the list stands there after ${painted[1].toFixed(0)} ms at most`);
  assert.ok(bytes < 150 * 1024, 'less than 150 KB');
  for (const colorScheme of ['light', 'dark'])
    for (const [width, height] of [[1100, 800], [360, 740]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} px are needed at ${width}`);
      await accessible(page, `${colorScheme}, ${width} px wide`);
    }
  await byMouse(page);
  await page.setViewportSize({ width: 1100, height: 800 });
  await ostler('start', '/bin/sleep', '--name', 'spare', '--', '100000');
  await page.waitForFunction(() => [...document.querySelectorAll('#rows td:nth-child(2)')].some((of) => of.textContent === 'spare'));
  await byKeyboard(page);
  await errors(page);
  await noise(page);
  await otherMachines(page, web);
  assert.deepEqual(elsewhere, [], 'no other host is asked');
  assert.deepEqual(wrong, [], 'no error of the page');
  console.log('the dashboard holds');
} finally {
  await browser.close();
  await ostler('kill', '--silent').catch((error) => console.error(String(error)));
  fs.rmSync(place, { recursive: true, force: true });
}
