#!/usr/bin/env node
// Runs the program where the install script could not put it in the place of this file.
'use strict';

const { spawn } = require('child_process');
const { constants } = require('os');
const { find } = require('../lib/find.cjs');

const found = find('ostler');
if (found.error) {
  console.error(found.error);
  process.exit(1);
}
const args = process.argv.slice(2);

// Becomes the program, in Node from 22.15 on.
if (process.execve) {
  process.emitWarning = () => {};
  try {
    process.execve(found.path, [found.path, ...args], process.env);
  } catch {
    // The next way works everywhere.
  }
}

const child = spawn(found.path, args, { stdio: 'inherit' });
child.on('error', (error) => {
  console.error(`error: cannot run \`${found.path}\`: ${error.message}`);
  process.exit(1);
});
// A terminal sends these to the child, too.
for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => {});
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (!signal) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Some signals end no process: then by its number.
  setTimeout(() => process.exit(128 + (constants.signals[signal] || 0)), 100);
});
