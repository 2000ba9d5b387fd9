// Shapes of process files that are published for well-known software, each with a small project of that software: installed, built, started
// by `ostler start`, asked, reloaded while it is asked, stopped.
//   shapes.mjs PROGRAM [NAME…]     PROGRAM: ostler. Without names every folder of `shapes/`. Prints a line for each, and PASS at the end.
// A folder has the files of a project, written for this, and `shape.json`:
//   about, instead   what it is; what stands in for what cannot be installed here
//   install, build   commands
//   file             the process file, `ecosystem.config.js` unless it is said; start: words behind `start`
//   ask              [{ port, path, has, lossless }]: what is asked at the port in this variable; no request of a lossless one may fail in a reload
//   lines            [{ app, has }]: what a log has after the start, and once more after the reload
// It is installed below /tmp, which is removed after each.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';

const [program, ...names] = process.argv.slice(2);
const folder = path.join(import.meta.dirname, 'shapes');
const INSTALL = 900_000, COMMAND = 180_000, ANSWER = 120_000, REQUEST = 10_000;

/** Runs a command; what it printed, or an error with that. */
function run([command, ...args], options, limit = COMMAND) {
  return new Promise((done, failed) => {
    const all = { maxBuffer: 1 << 26, timeout: limit, killSignal: 'SIGKILL', ...options };
    execFile(command, args, all, (error, out, err) => {
      if (!error) return done({ out, err });
      const why = error.killed ? `took longer than ${limit / 1000} s` : `exit code ${error.code}`;
      failed(new Error(`\`${[command, ...args].join(' ')}\`: ${why}\n${out.slice(-3000)}${err.slice(-3000)}`));
    });
  });
}

/** Free ports of this machine. */
async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise(done => {
    const server = net.createServer().listen(0, '127.0.0.1', () => done(server));
  })));
  const ports = servers.map(server => server.address().port);
  await Promise.all(servers.map(server => new Promise(done => server.close(done))));
  return ports;
}

/** Asks once; the body of an answer with 200. */
function ask(port, where, agent) {
  return new Promise((done, failed) => {
    const request = http.get({ host: '127.0.0.1', port, path: where, agent, timeout: REQUEST }, answer => {
      let body = '';
      answer.setEncoding('utf8').on('data', part => { body += part; }).on('error', failed);
      answer.on('end', () => answer.statusCode === 200 ? done(body) : failed(new Error(`status ${answer.statusCode}: ${body.slice(0, 200)}`)));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${REQUEST / 1000} s`))).on('error', failed);
  });
}

/** Asks until the answer has the text. */
async function answered({ port, path: where, has }) {
  const until = Date.now() + ANSWER;
  for (let last; ; await after(50)) {
    try {
      const body = await ask(port, where, false);
      if (body.includes(has)) return;
      last = new Error(`the answer lacks \`${has}\`: ${body.slice(0, 300)}`);
    } catch (error) { last = error; }
    if (until < Date.now()) throw new Error(`127.0.0.1:${port}${where}: ${last.message}`);
  }
}

/** Asks again and again, by connections of their own and by ones that are kept, until it is told to stop. */
function load({ port, path: where, has }) {
  const kept = new http.Agent({ keepAlive: true });
  const [seen, state] = [{ answered: 0, failed: [] }, { ends: false }];
  const client = async agent => {
    while (!state.ends) {
      try {
        const body = await ask(port, where, agent);
        if (!body.includes(has)) throw new Error(`another answer: ${body.slice(0, 100)}`);
        seen.answered += 1;
      } catch (error) { seen.failed.push(error.message); }
      await after(5);
    }
  };
  const clients = [client(false), client(kept)];
  return async () => { state.ends = true; await Promise.all(clients); kept.destroy(); return seen; };
}

/** How often the logs of an app have a text. */
async function count(ostler, { app, has }) {
  const { out, err } = await ostler('logs', app, '--nostream', '--lines', '1000', '--raw');
  return (out + err).split(has).length - 1;
}

async function lines(ostler, wanted, times) {
  for (const line of wanted) {
    const until = Date.now() + ANSWER;
    while (await count(ostler, line) < times) {
      if (until < Date.now()) throw new Error(`the log of \`${line.app}\` lacks \`${line.has}\``);
      await after(200);
    }
  }
}

async function reloaded(ostler, words, asked) {
  const loads = asked.map(load);
  const before = Date.now();
  const { out } = await ostler('reload', ...words);
  const took = Date.now() - before;
  await Promise.all(asked.map(answered));
  const all = await Promise.all(loads.map(end => end()));
  for (const [at, seen] of all.entries()) {
    if (asked[at].lossless && seen.failed.length) throw new Error(`${seen.failed.length} requests failed in the reload: ${seen.failed[0]}\n${out}`);
    if (!seen.answered) throw new Error('no request was answered in the reload');
  }
  const sum = of => all.reduce((total, seen) => total + of(seen), 0);
  const fails = sum(seen => seen.failed.length);
  return `reload ${took} ms, ${sum(seen => seen.answered)} requests answered` + (fails ? `, ${fails} refused while an app in fork mode restarted` : '');
}

/** One shape from its folder to its end. */
async function shape(name) {
  const made = JSON.parse(await readFile(path.join(folder, name, 'shape.json'), 'utf8'));
  const work = await mkdtemp('/tmp/ostler-shape-');
  const cwd = path.join(work, name);
  const ports = await freePorts(4);
  const env = {
    ...process.env, OSTLER_HOME: path.join(work, 'home'), PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
    PORT: `${ports[0]}`, PORT2: `${ports[1]}`, PORT3: `${ports[2]}`, PORT4: `${ports[3]}`, CI: 'true', NO_COLOR: '1',
    NEXT_TELEMETRY_DISABLED: '1', NUXT_TELEMETRY_DISABLED: '1', ASTRO_TELEMETRY_DISABLED: '1', STRAPI_TELEMETRY_DISABLED: 'true',
    npm_config_cache: path.join(work, 'npm'), npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false', PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_CACHE_DIR: '1',
  };
  delete env.NODE_OPTIONS;
  const ostler = (...words) => run([program, ...words], { cwd, env });
  const asked = (made.ask ?? []).map(one => ({ ...one, port: env[one.port] }));
  const file = made.file ?? 'ecosystem.config.js';
  const words = [file, ...made.start ?? []];
  try {
    await cp(path.join(folder, name), cwd, { recursive: true });
    const begun = Date.now();
    for (const command of [...made.install ?? [], ...made.build ?? []]) await run(command, { cwd, env }, INSTALL);
    const built = Date.now();
    await ostler('validate', file, '--strict');
    const { err } = await ostler('start', ...words);
    await Promise.all(asked.map(answered));
    await lines(ostler, made.lines ?? [], 1);
    const served = Date.now();
    const { out: plan } = await ostler('plan', ...words);
    if (/^\s*\S+\s+(start|restart|reload|scale|replace|remove)\b/m.test(plan)) throw new Error(`what has just been started differs from its file:\n${plan}`);
    const told = await reloaded(ostler, words, asked);
    await lines(ostler, made.lines ?? [], 2);
    const list = JSON.parse((await ostler('jlist')).out);
    const odd = list.filter(app => app.pm2_env.status !== 'online' || app.pm2_env.unstable_restarts);
    if (odd.length) throw new Error(`not online at the end: ${odd.map(app => `${app.name} ${app.pm2_env.status}`)}`);
    await ostler('stop', file);
    for (const { port } of asked) {
      const open = await new Promise(done => net.connect(port, '127.0.0.1').on('connect', () => done(true)).on('error', () => done(false)));
      if (open) throw new Error(`port ${port} still answers after the stop`);
    }
    const { out: size } = await run(['du', '-sm', cwd], {});
    console.log(`${name}: installed and built in ${Math.round((built - begun) / 1000)} s (${size.split('\t')[0]} MB), serves ${served - built} ms after \`start\`, ${told}`);
    if (made.instead) console.log(`  ${made.instead}`);
    if (err.includes('warning')) console.log(err.trim().replace(/^/gm, '  '));
  } catch (error) {
    const log = await ostler('logs', '--nostream', '--lines', '20').catch(other => ({ out: other.message }));
    throw new Error(`${name}: ${error.message}\n${log.out}`);
  } finally {
    await ostler('kill').catch(error => console.error(error.message));
    await rm(work, { recursive: true, force: true });
  }
}

const known = (await readdir(folder)).sort();
const unknown = names.filter(name => !known.includes(name));
if (unknown.length) {
  console.error(`error: no shape is called \`${unknown[0]}\`; there are ${known.join(', ')}`);
  process.exit(2);
}
let failed = 0;
for (const name of names.length ? names : known) {
  await shape(name).catch(error => { failed += 1; console.error(`FAILED: ${error.message}`); });
}
if (failed) process.exit(1);
console.log('PASS');
