#!/bin/bash
# An update between two packaged versions under load: no request fails, apps are untouched.
#   update.sh OLD.tar.gz NEW.tar.gz [TIMES]
# Each archive is one of `cargo xtask dist`. The old one is installed and runs a cluster and an app
# in fork mode; the new one is installed over it and takes over, then the old one again, and so on.
set -euo pipefail

old=$(realpath "${1:?OLD.tar.gz}") new=$(realpath "${2:?NEW.tar.gz}") times=${3:-5}
place=$(mktemp -d /tmp/ostler-update-XXXXXX)
export HOME=$place OSTLER_HOME=$place/home PATH=$place/bin:$PATH
load=
end() {
  [ -z "$load" ] || kill "$load" 2>/dev/null || true
  ostler kill --silent >/dev/null 2>&1 || true
  rm -rf "$place"
}
trap end EXIT

# As a package does: each file gets its new content by a rename.
put() {
  rm -rf "$place/unpacked" && mkdir "$place/unpacked"
  tar xzf "$1" -C "$place/unpacked" --strip-components=1
  mkdir -p "$place/bin"
  for program in ostler ostler-companion; do
    cp "$place/unpacked/bin/$program" "$place/bin/.$program.new"
    mv "$place/bin/.$program.new" "$place/bin/$program"
  done
}

pids() { ostler jlist | node -e 'process.stdin.on("data", (of) => (globalThis.text = (globalThis.text || "") + of));
process.stdin.on("end", () => console.log(JSON.parse(text).map((of) => of.pid).join(" ")))'; }

cat >"$place/api.js" <<'JS'
require('http').createServer((_, answer) => answer.end('ok')).listen(process.env.PORT, '127.0.0.1');
JS
# Asks both ports all the time, on connections that are kept and on new ones.
cat >"$place/load.js" <<'JS'
const http = require('http');
const ports = process.argv.slice(2).map(Number);
let answered = 0, failed = 0, ends = false;
const why = new Map();
const ask = (port, agent) => {
  if (ends) return;
  const again = (ok, error) => {
    if (ok) answered += 1;
    else { failed += 1; why.set(error, (why.get(error) || 0) + 1); }
    setImmediate(ask, port, agent);
  };
  http.get({ host: '127.0.0.1', port, agent }, (answer) => {
    answer.resume().on('end', () => again(answer.statusCode === 200, 'status ' + answer.statusCode));
  }).on('error', (error) => again(false, String(error)));
};
for (const port of ports) for (let at = 0; at < 4; at += 1) {
  ask(port, new http.Agent({ keepAlive: true, maxSockets: 1 }));
  ask(port, false);
}
const fs = require('fs');
setInterval(() => { fs.writeFileSync('answered.new', String(answered)); fs.renameSync('answered.new', 'answered'); }, 50);
process.on('SIGTERM', () => {
  ends = true;
  console.log(`${answered} requests answered, ${failed} failed ${[...why].join(' ')}`);
  process.exit(failed ? 1 : 0);
});
JS

answered() { cat "$place/answered" 2>/dev/null || echo 0; }
more() {
  local until=$(($(answered) + $1))
  for _ in $(seq 600); do
    [ "$(answered)" -ge "$until" ] && return
    sleep 0.1
  done
  echo "error: nothing is answered any more" >&2
  exit 1
}

cd "$place"
put "$old"
read -r first second < <(node -e '
const one = require("net").createServer().listen(0, "127.0.0.1", () => {
  const two = require("net").createServer().listen(0, "127.0.0.1", () => {
    console.log(one.address().port, two.address().port); one.close(); two.close(); }); });')
PORT=$first ostler start api.js --name cluster -i 2 --wait
PORT=$second ostler start api.js --name fork --wait
before=$(pids)
node load.js "$first" "$second" >said &
load=$!
more 200
for turn in $(seq "$times"); do
  for archive in "$new" "$old"; do
    put "$archive"
    ostler update >/dev/null
    daemon=$(cat "$OSTLER_HOME/pm2.pid")
    [ "$(readlink "/proc/$daemon/exe")" = "$place/bin/ostler" ] || { echo "error: the daemon is of another file" >&2; exit 1; }
    more 100
    after=$(pids)
    [ "$after" = "$before" ] || { echo "error: processes $before became $after" >&2; exit 1; }
  done
done
kill "$load"
status=0
wait "$load" || status=$?
load=
cat said
[ "$status" = 0 ] || { echo "error: requests failed" >&2; exit 1; }
echo "$((2 * times)) updates between two packages: no request failed, apps untouched"
