// From what a program says about an app to the record that the daemon is given.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const { OstlerError } = require('./errors.cjs');

/** Keys whose name in a record is another one. */
const PATHS = { out_file: 'pm_out_log_path', error_file: 'pm_err_log_path', log_file: 'pm_log_path', pid_file: 'pm_pid_path' };
const ALIASES = {
  exec: 'script', output: 'out_file', out: 'out_file', error: 'error_file', err_file: 'error_file', log: 'log_file', pid: 'pid_file',
  interpreterArgs: 'node_args', interpreter_args: 'node_args', exec_interpreter: 'interpreter', cron: 'cron_restart',
};
const INTERPRETERS = { '.js': 'node', '.cjs': 'node', '.mjs': 'node', '.py': 'python3', '.sh': 'bash', '.rb': 'ruby', '.php': 'php', '.pl': 'perl', '.ts': 'bun', '.tsx': 'bun' };

/** A text split on blanks, or the list that it is. */
const words = (value) => (Array.isArray(value) ? value.map(String) : String(value).split(/\s+/).filter(Boolean));

/** A name as part of a file's. */
const inFile = (name) => name.replace(/[^A-Za-z0-9.\\-]/g, '-');

function interpreter(app, script) {
  if (app.interpreter !== undefined) return String(app.interpreter);
  return INTERPRETERS[path.extname(script)] || (isExecutable(script) ? 'none' : 'node');
}

/** Whether the system runs a file itself. What names Node in its first line is given to Node, so that it can be a cluster. */
function isExecutable(script) {
  try {
    fs.accessSync(script, fs.constants.X_OK);
    return !/^#!.*\bnode\b/.test(fs.readFileSync(script, 'latin1').split('\n', 1)[0]);
  } catch {
    return false;
  }
}

/** The record of an app; `home`: the manager's. */
function record(given, home) {
  const app = {};
  for (const [key, value] of Object.entries(given)) if (value !== undefined) app[ALIASES[key] || key] = value;
  const { script, cwd = '.', args, node_args: nodeArgs, env = {}, name, instances, exec_mode: mode, ...rest } = app;
  if (typeof script !== 'string' || script === '') throw new OstlerError('ERR_ARGUMENT', 'an app needs a `script`');
  const folder = path.resolve(cwd);
  const file = path.resolve(folder, script);
  if (!fs.existsSync(file)) throw new OstlerError('ERR_ARGUMENT', `there is no script \`${file}\``);
  const runs = interpreter(app, file);
  const called = name === undefined ? path.basename(file, path.extname(file)) : String(name);
  const isNode = /(^|\/)(node|bun)$/.test(runs);
  const cluster = mode === undefined ? isNode && instances !== undefined : /^cluster/.test(mode);
  for (const key of ['interpreter', 'output', 'force']) delete rest[key];
  const out = {
    namespace: 'default', autorestart: true, autostart: true, watch: false, treekill: true, pmx: true, vizion: true, automation: true,
    windowsHide: true, kill_retry_time: 100, instance_var: 'NODE_APP_INSTANCE', username: os.userInfo().username, filter_env: [],
    ...rest,
    name: called,
    pm_exec_path: file,
    pm_cwd: folder,
    exec_interpreter: runs === 'node' ? process.execPath : runs,
    exec_mode: cluster ? 'cluster_mode' : 'fork_mode',
    env: { ...process.env, ...env, PM2_HOME: home },
    node_args: nodeArgs === undefined ? [] : words(nodeArgs),
    merge_logs: rest.merge_logs === undefined ? !cluster && instances === undefined : rest.merge_logs,
  };
  if (instances !== undefined) out.instances = instances === 'max' ? 0 : Number(instances);
  if (args !== undefined) out.args = words(args);
  const usual = { out_file: `logs/${inFile(called)}-out.log`, error_file: `logs/${inFile(called)}-error.log`, pid_file: `pids/${inFile(called)}.pid` };
  for (const [key, of] of Object.entries(PATHS)) {
    const value = app[key];
    delete out[key];
    if (typeof value === 'string') out[of] = path.resolve(folder, value);
    else if (usual[key] !== undefined) out[of] = path.join(home, usual[key]);
  }
  return out;
}

/** The apps of a process file. */
async function ofFile(file) {
  const full = path.resolve(file);
  const { pathToFileURL } = require('url');
  let found = full.endsWith('.json') ? JSON.parse(fs.readFileSync(full, 'utf8')) : await import(pathToFileURL(full).href);
  if (found && found.default !== undefined) found = found.default;
  if (typeof found === 'function') found = found();
  return apps(await found);
}

function apps(given) {
  if (Array.isArray(given)) return given;
  return given && Array.isArray(given.apps) ? given.apps : [given];
}

const isFile = (text) => /(\.json|\.config\.[cm]?js)$/.test(text);

module.exports = { record, ofFile, apps, isFile };
