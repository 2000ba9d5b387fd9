// Puts the programs in the place of the shim, so that no Node starts before each command.
// Whatever goes wrong, the shim stays and works.
'use strict';

const fs = require('fs');
const path = require('path');
const { find } = require('./find.cjs');

// Yarn runs what is in `bin` with Node, whatever it is.
const isYarn = /^yarn\//.test(process.env.npm_config_user_agent || '');

// Replaces a file in one step. Two names of one file are not renamed onto each other.
function replace(from, to) {
  const now = fs.statSync(to, { throwIfNoEntry: false });
  if (now && now.ino === fs.statSync(from).ino) return;
  const made = `${to}.${process.pid}`;
  try {
    fs.linkSync(from, made);
  } catch {
    fs.copyFileSync(from, made);
  }
  fs.chmodSync(made, 0o755);
  fs.renameSync(made, to);
}

// The companion first: the command looks for it beside itself.
for (const program of isYarn ? [] : ['ostler-companion', 'ostler']) {
  const found = find(program);
  if (found.error) break;
  try {
    replace(found.path, path.join(__dirname, '..', 'bin', program));
  } catch (error) {
    console.error(`ostler: the shim of Node stays in place: ${error.message}`);
    break;
  }
}
