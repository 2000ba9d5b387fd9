// What a program does with its apps.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFile } = require('child_process');
const { Calls } = require('./calls.cjs');
const { Bus } = require('./bus.cjs');
const { OstlerError } = require('./errors.cjs');
const { record, ofFile, apps, isFile } = require('./record.cjs');

/** Where the manager's home is, unless it is said. */
function usualHome(env = process.env) {
  return env.OSTLER_HOME || env.PM2_HOME || path.join(os.homedir(), '.ostler');
}

class Client {
  constructor(options = {}) {
    this.home = path.resolve(options.home || usualHome());
    this.options = options;
    this.calls = null;
    this.launching = null;
  }

  /** Connects to the daemon. With the option `program`, that program is asked to start one where there is none. */
  async connect() {
    if (this.calls !== null) return this;
    const open = async () => {
      const calls = new Calls(path.join(this.home, 'rpc.sock'), this.options.timeout || 0);
      await calls.connect();
      return calls;
    };
    try {
      this.calls = await open();
    } catch (error) {
      if (!this.options.program) throw this.nobody(error);
      await this.launch(this.options.program);
      this.calls = await open();
    }
    return this;
  }

  nobody(error) {
    const none = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
    if (!none) return new OstlerError('ERR_CONNECTION', `cannot connect to the manager in ${this.home}: ${error.message}`, error);
    return new OstlerError('ERR_NO_MANAGER', `no manager runs in ${this.home}: start one by \`ostler ping\`, or give the option \`program\``, error);
  }

  launch(program) {
    const env = { ...process.env, OSTLER_HOME: this.home };
    return new Promise((resolve, reject) =>
      execFile(program, ['ping'], { env }, (error, _, said) => {
        if (error) reject(new OstlerError('ERR_NO_MANAGER', `\`${program} ping\` starts no manager: ${said.trim() || error.message}`, error));
        else resolve();
      }));
  }

  /** Closes all connections: nothing of the client keeps the program alive then. */
  async disconnect() {
    if (this.calls !== null) this.calls.close();
    this.calls = null;
    const launching = this.launching;
    this.launching = null;
    if (launching !== null) (await launching.catch(() => null))?.close();
  }

  /** Calls a method of the daemon by its name. */
  call(method, ...args) {
    if (this.calls === null) return Promise.reject(new OstlerError('ERR_DISCONNECTED', 'the client is not connected'));
    return this.calls.call(method, ...args);
  }

  ping() {
    return this.call('ping', {});
  }

  getVersion() {
    return this.call('getVersion', {});
  }

  /** Every process. */
  list() {
    return this.call('getMonitorData', {});
  }

  /** The processes that a word means: a number, the name of an app, a namespace, or `all`. */
  async describe(target) {
    const list = await this.list();
    if (target === 'all') return list;
    const text = String(target);
    const named = list.filter((one) => one.name === text);
    if (0 < named.length) return named;
    const spaced = list.filter((one) => one.pm2_env.namespace === text);
    return 0 < spaced.length ? spaced : list.filter((one) => String(one.pm_id) === text);
  }

  async found(target) {
    const list = await this.describe(target);
    if (list.length === 0 && target !== 'all') throw new OstlerError('ERR_UNKNOWN', `no process has the name, namespace or number \`${target}\``);
    return list;
  }

  /** Does the same with each process that is meant, one after the other, and returns what came of each. */
  async each(target, act) {
    const results = [];
    for (const one of await this.found(target)) results.push(await act(one));
    return results;
  }

  /** Starts an app, several, those of a process file, or processes that are in the list. */
  async start(given, options = {}) {
    if (typeof given === 'number' || (typeof given === 'string' && !isFile(given) && !fs.existsSync(path.resolve(options.cwd || '.', given)))) {
      return this.restart(given);
    }
    const wanted = typeof given === 'string' ? (isFile(given) ? await ofFile(given) : [{ ...options, script: given }]) : apps(given);
    const records = wanted.map((app) => record(app, this.home));
    const started = [];
    for (const one of records) started.push(...(await this.call('prepare', one)));
    return started;
  }

  restart(target, options = {}) {
    return this.each(target, ({ pm_id: id }) => this.call('restartProcessId', { id, env: changes(options) }));
  }

  reload(target, options = {}) {
    return this.each(target, ({ pm_id: id }) => this.call('reloadProcessId', { id, env: changes(options) }));
  }

  stop(target) {
    return this.each(target, ({ pm_id: id }) => this.call('stopProcessId', id));
  }

  delete(target) {
    return this.each(target, ({ pm_id: id }) => this.call('deleteProcessId', id));
  }

  reset(target) {
    return this.each(target, ({ pm_id: id }) => this.call('resetMetaProcessId', id));
  }

  /** Gives an app so many processes: a number, or `+2`, or `-1`. */
  async scale(name, count) {
    const all = (await this.list()).filter((one) => one.name === name);
    if (all.length === 0) throw new OstlerError('ERR_UNKNOWN', `no app has the name \`${name}\``);
    const relative = typeof count === 'string' && /^[+-]/.test(count);
    const wanted = Number(count) + (relative ? all.length : 0);
    if (!Number.isInteger(wanted) || wanted < 0) throw new OstlerError('ERR_ARGUMENT', `\`${count}\` is no number of processes`);
    for (let n = all.length; n < wanted; n += 1) await this.call('duplicateProcessId', all[0].pm_id);
    const last = all.sort((one, other) => other.pm_id - one.pm_id).slice(0, Math.max(0, all.length - wanted));
    for (const { pm_id: id } of last) await this.call('deleteProcessId', id);
    return (await this.list()).filter((one) => one.name === name);
  }

  /** Empties log files: of the processes that are meant, or of all. */
  async flush(target = 'all') {
    for (const { pm2_env: env } of await this.found(target)) {
      for (const file of [env.pm_out_log_path, env.pm_err_log_path, env.pm_log_path]) {
        if (file && fs.existsSync(file)) await fs.promises.truncate(file);
      }
    }
  }

  reloadLogs() {
    return this.call('reloadLogs', {});
  }

  /** Sends a message to an app: what it gets by `process.on('message')`. */
  sendDataToProcessId(id, packet) {
    const { type = 'process:msg', topic = 'message', data } = packet;
    return this.call('sendDataToProcessId', { id, type, topic, data });
  }

  sendSignalToProcessId(signal, id) {
    return this.call('sendSignalToProcessId', { process_id: id, signal });
  }

  sendSignalToProcessName(signal, name) {
    return this.call('sendSignalToProcessName', { process_name: name, signal });
  }

  /** Asks for an action that apps have declared. Returns the answer of each process that has it. */
  async trigger(target, action, params, { timeout = 30000 } = {}) {
    const having = (await this.found(target)).filter((one) => (one.pm2_env.axm_actions || []).some((of) => of.action_name === action));
    if (having.length === 0) throw new OstlerError('ERR_UNKNOWN', `no process of \`${target}\` has the action \`${action}\``);
    const bus = await this.launchBus();
    const waiting = new Set(having.map((one) => one.pm_id));
    const replies = [];
    return new Promise((resolve, reject) => {
      const end = (how) => {
        clearTimeout(timer);
        bus.off('axm:reply', take);
        how();
      };
      const take = (reply) => {
        if (reply.data.action_name !== action || !waiting.delete(reply.process.pm_id)) return;
        replies.push(reply);
        if (waiting.size === 0) end(() => resolve(replies));
      };
      const late = () => end(() => reject(new OstlerError('ERR_TIMEOUT', `${waiting.size} of ${having.length} processes did not answer \`${action}\` in ${timeout} ms`)));
      const timer = setTimeout(late, timeout);
      bus.on('axm:reply', take);
      const ask = ({ pm_id: id }) => this.call('msgProcess', { id, msg: action, ...(params === undefined ? {} : { opts: params }) });
      Promise.all(having.map(ask)).catch((error) => end(() => reject(error)));
    });
  }

  /** Takes a profile of an app of Node for so long, into a file. Returns where it is. */
  async profile(target, { kind = 'cpu', ms = 10000, file } = {}) {
    if (kind !== 'cpu' && kind !== 'heap') throw new OstlerError('ERR_ARGUMENT', `\`${kind}\` is no kind of profile: \`cpu\` or \`heap\``);
    const [one] = await this.found(target);
    const end = kind === 'cpu' ? 'cpuprofile' : 'heapprofile';
    const into = path.resolve(file || `${one.name}-${one.pm_id}-${Date.now()}.${end}`);
    const method = kind === 'cpu' ? 'profileCPU' : 'profileMEM';
    return (await this.call(method, { id: one.pm_id, pwd: into, timeout: ms })).file;
  }

  /** What all apps say and what happens to them, from now on. */
  launchBus() {
    if (this.launching === null) {
      const bus = new Bus(path.join(this.home, 'pub.sock'));
      this.launching = bus.connect().then(() => bus, (error) => {
        this.launching = null;
        throw this.nobody(error);
      });
    }
    return this.launching;
  }

  /** Ends all apps, the manager, and this connection. */
  async killDaemon() {
    const ended = this.call('killMe', {}).catch((error) => {
      if (error.code !== 'ERR_CONNECTION') throw error;
    });
    await ended;
    await this.disconnect();
  }
}

/** What a restart changes: variables, and keys of the record. */
function changes({ env = {}, updateEnv = false, ...keys }) {
  return { ...(updateEnv ? process.env : {}), ...env, current_conf: keys };
}

module.exports = { Client, usualHome };
