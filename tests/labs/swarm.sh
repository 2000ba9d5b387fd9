#!/bin/bash
# The stack that `ostler export swarm` writes, run by a real Docker Swarm of three hosts in namespaces.
#   swarm.sh OSTLER NODE    OSTLER: the program; NODE: a program of Node
# Needs root, cgroup v2, Debian's docker.io, busybox-static and curl. Prints PASS at the end; ends with 77 where no engine starts.
# No registry can be reached: each host gets the images by itself. Where the kernel has no IPVS, Swarm has no virtual addresses and no
# published ports: clients then ask the name server of the network for the addresses of the replicas.
set -euo pipefail
HERE=$(dirname "$(realpath "$0")"); OSTLER=$(realpath "$1"); NODE=$(realpath "$2"); t0=$(date +%s%N)
W=$(mktemp -d /tmp/ostler-swarm.XXXXXX); P=ow$(printf %s "$W" | cksum | cut -d' ' -f1); docker=/usr/bin/docker
now() { date +%s%N; }
ms() { echo $(( ($(now) - $1) / 1000000 )); }
step() { printf '%6.2f s  %s\n' "$(echo "$(ms "$t0") / 1000" | bc -l)" "$*"; }
d() { local host=$1; shift; $docker -H "unix://$W/n$host/docker.sock" "$@"; }
die() {
  echo "FAILED: $*" >&2
  d 1 service ps --no-trunc --format '{{.Name}} {{.Image}} {{.Node}} {{.CurrentState}} {{.Error}}' shop_web plain >&2 || true
  d 1 logs --tail 20 load >&2 || true; exit 1
}
is() { [ "$2" = "$3" ] || die "$1: \`$2\` instead of \`$3\`"; }
until_() {
  local what=$1 end=$(( $(date +%s) + 180 )); shift
  until "$@"; do [ "$(date +%s)" -lt "$end" ] || die "waited in vain for $what"; sleep 0.1; done
}
leave() {
  for n in 1 2 3; do "$HERE/dockerd.sh" stop "$W/n$n" >/dev/null 2>&1 || true; ip netns del "$P-$n" 2>/dev/null || true; done
  ip netns del "$P" 2>/dev/null || true; rm -rf "$W"
}
trap leave EXIT

ip netns add "$P"; ip -n "$P" link add br0 type bridge; ip -n "$P" link set br0 up
boot() { NETNS=$P-$1 HOSTNAME_IN=node$1 "$HERE/dockerd.sh" start "$W/n$1"; }
for n in 1 2 3; do
  ip netns add "$P-$n"; ip -n "$P-$n" link set lo up
  ip link add eth0 netns "$P-$n" type veth peer name "v$n" netns "$P"; ip -n "$P" link set "v$n" master br0 up
  ip -n "$P-$n" addr add "10.77.0.$n/24" dev eth0; ip -n "$P-$n" link set eth0 up; ip -n "$P-$n" route add default via 10.77.0.254
  boot "$n" || exit 77
done
d 1 swarm init --advertise-addr 10.77.0.1 >/dev/null
token=$(d 1 swarm join-token -q manager)
for n in 2 3; do d $n swarm join --token "$token" 10.77.0.1:2377 >/dev/null; done
step "$(d 1 version -f 'Docker {{.Server.Version}}'), three managers of one swarm"

# The app, in three versions: the third never becomes healthy.
mkdir -p "$W/shop" "$W/image/bin" "$W/image/app" "$W/image/tmp"
for lib in $(ldd "$NODE" /usr/bin/curl | grep -o '/[^ ]* (' | tr -d ' ('); do mkdir -p "$W/image/$(dirname "$lib")"; cp -L "$lib" "$W/image/$lib"; done
cp "$NODE" "$W/image/bin/node"; cp /usr/bin/curl /bin/busybox "$W/image/bin/"; ln -s busybox "$W/image/bin/sh"
cat > "$W/image/app/load.js" <<'J'
// A connection of its own for each request, to any replica that the name server knows.
const dns = require('dns').promises, http = require('http');
let asked = 0, failed = 0, first = '';
const versions = {};
function ask(address) {
  return new Promise((done, fail) => {
    const request = http.get({ host: address, port: 8080, agent: false, timeout: 5000 }, (answer) => {
      let text = '';
      answer.on('data', (part) => (text += part));
      answer.on('end', () => (answer.statusCode === 200 ? done(text) : fail(new Error(`status ${answer.statusCode}`))));
      answer.on('error', fail);
    });
    request.on('timeout', () => request.destroy(new Error('no answer in 5 s')));
    request.on('error', fail);
  });
}
async function once() {
  asked += 1;
  try {
    const addresses = await dns.resolve4('web');
    const version = await ask(addresses[Math.floor(Math.random() * addresses.length)]);
    versions[version] = (versions[version] || 0) + 1;
  } catch (error) { failed += 1; first = first || `${new Date().toISOString()} ${error.message}`; }
}
setInterval(once, 10);
process.on('SIGUSR2', () => console.log(JSON.stringify({ asked, failed, first, versions })));
J
cat > "$W/shop/ecosystem.config.js" <<'J'
module.exports = { apps: [{
  name: 'web', script: 'web.js', exec_mode: 'cluster', instances: 4, env: { PORT: 8080 },
  health: { http: 'http://127.0.0.1:8080/health', interval: 1000 }, listen_timeout: 3000, kill_timeout: 5000, max_memory_restart: '200M',
}] };
J
version() { # N HEALTH: makes the image web:N.0.0, and the package of that version
  printf '{ "name": "web", "version": "%s.0.0" }\n' "$1" > "$W/shop/package.json"
  cat > "$W/shop/web.js" <<J
const server = require('http').createServer((request, answer) => {
  if (request.url === '/health') answer.statusCode = $2;
  answer.end('$1.0.0');
});
server.listen(process.env.PORT);
process.on('SIGINT', () => server.close(() => process.exit(0)));
J
  cp "$W/shop/web.js" "$W/shop/package.json" "$W/image/app/"
  for n in 1 2 3; do tar -C "$W/image" -c . | d $n import -c 'ENV PATH=/bin' - "web:$1.0.0" >/dev/null; done
}
ipvs=$([ -e /proc/net/ip_vs ] && echo yes || echo no)
stack() { # what the command writes; without IPVS the port that nobody can publish goes, and addresses take the place of the virtual one
  ( cd "$W/shop"; "$OSTLER" export swarm ecosystem.config.js 2>/dev/null ) > "$W/stack.yaml"
  [ $ipvs = yes ] && return
  awk '/^    ports:/ { skip = 1; next } skip && /^    [^ ]/ { skip = 0 } !skip { print } /^    deploy:/ { print "      endpoint_mode: dnsrr" }' "$W/stack.yaml" > "$W/cut.yaml"
  printf 'networks:\n  default:\n    attachable: true\n' >> "$W/cut.yaml"; mv "$W/cut.yaml" "$W/stack.yaml"
}
deploy() { stack; d 1 stack deploy --resolve-image never -c "$W/stack.yaml" shop >/dev/null || die "docker stack deploy"; }
running() { d 1 service ps "$1" --filter desired-state=running --format '{{.Image}} {{.Node}} {{.CurrentState}}' | grep ' Running'; }
count() { running "$1" | grep -c "^$2" || true; }
has() { [ "$(count "$1" "$2")" = "$3" ]; }
updated() { d 1 service inspect shop_web --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}'; }
is_updated() { [ "$(updated)" = "$1" ]; }
told() { d 1 kill -s USR2 load >/dev/null; until_ "the load's figures" grows; d 1 logs --tail 1 load; }
grows() { local lines; lines=$(d 1 logs load | wc -l); [ "$lines" -gt "$seen" ] && seen=$lines; }
seen=0
failures() { told | "$NODE" -p 'const f = JSON.parse(require("fs").readFileSync(0)); `${f.failed} of ${f.asked}${f.first && ", " + f.first}`'; }

for n in 1 2; do version $n 200; done; version 3 500; version 1 200
begun=$(now); deploy; until_ "four replicas" has shop_web web:1.0.0 4; step "deployed: 4 replicas after $(ms "$begun") ms"
is "mode of the update" "$(d 1 service inspect shop_web --format '{{.Spec.UpdateConfig.Order}} {{.Spec.UpdateConfig.FailureAction}}')" "start-first rollback"
d 1 run -d --name load --network shop_default web:1.0.0 node /app/load.js >/dev/null
answered() { told | grep -q '"1.0.0":[1-9]'; }
until_ "answers" answered

sed -i 's/instances: 4/instances: 6/' "$W/shop/ecosystem.config.js"
begun=$(now); deploy; until_ "six replicas" has shop_web web:1.0.0 6; step "scaled: 6 replicas after $(ms "$begun") ms"

version 2 200; begun=$(now); deploy
until_ "the end of the update" is_updated completed; until_ "six replicas of the new version" has shop_web web:2.0.0 6
step "rolling update of 6 replicas: $(ms "$begun") ms, failed requests up to here: $(failures)"

version 3 500; begun=$(now); deploy
until_ "the engine to take it back" is_updated rollback_completed; until_ "six replicas of the old version" has shop_web web:2.0.0 6
step "a version that is never healthy: taken back after $(ms "$begun") ms, failed requests up to here: $(failures)"
figures=$(told)
is "failed requests of $figures" "$(printf %s "$figures" | "$NODE" -p 'JSON.parse(require("fs").readFileSync(0)).failed')" 0
case $figures in *'"3.0.0"'*) die "the version that is not healthy answered: $figures" ;; esac
d 1 rm -f load >/dev/null

# A service of the engine's own beside it, with the same health check: what a power cut costs without us.
plain=$(d 1 service inspect shop_web --format '{{json .Spec.TaskTemplate.ContainerSpec.Healthcheck.Test}}' | "$NODE" -p 'JSON.parse(require("fs").readFileSync(0))[1]')
d 1 service create -q --no-resolve-image --detach=true --name plain --replicas 6 --network shop_default --endpoint-mode dnsrr --env PORT=8080 \
  --health-cmd "$plain" --health-interval 1s --health-start-period 3s web:2.0.0 node /app/web.js >/dev/null
until_ "six replicas of the other service" has plain web 6
until_ "replicas on the third host" eval 'running shop_web | grep -q node3 && running plain | grep -q node3'
"$HERE/dockerd.sh" kill "$W/n3"; begun=$(now); ours= theirs=
elsewhere() { [ "$(running "$1" | grep -vc node3)" = 6 ]; }
both() {
  [ -n "$ours" ] || { elsewhere shop_web && ours=$(ms "$begun"); } || true
  [ -n "$theirs" ] || { elsewhere plain && theirs=$(ms "$begun"); } || true
  [ -n "$ours" ] && [ -n "$theirs" ]
}
until_ "replicas on the hosts that are left" both
step "power cut of a host: 6 replicas on the others after $ours ms; of a service of the engine's own after $theirs ms"
[ "$((ours - theirs))" -lt 1000 ] || die "ours came $((ours - theirs)) ms later"
boot 3 || die "the third host does not start again"
back() { d 1 node ls --format '{{.Hostname}} {{.Status}}' | grep -q 'node3 Ready'; }
until_ "the third host" back; step "the third host is back"
echo PASS
