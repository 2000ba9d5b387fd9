#!/bin/bash
# The images of examples/docker, and pm2-runtime as the first process, built and run by a real Docker engine.
#   container.sh ROOT OSTLER NODE    ROOT: a debootstrap'd Debian; OSTLER: the program; NODE: a program of Node
# Needs root, cgroup v2, Debian's docker.io. Prints PASS at the end; ends with 77 where no engine starts.
# No registry can be reached: the images that the Dockerfiles begin with are made of ROOT, and the one that would build
# the program has it already. Everything else is as the Dockerfiles say.
set -euo pipefail
HERE=$(dirname "$(realpath "$0")"); ROOT=$(realpath "$1"); OSTLER=$(realpath "$2"); NODE=$(realpath "$3"); t0=$(date +%s%N)
W=$(mktemp -d /tmp/ostler-container.XXXXXX); D=$W/engine
export DOCKER_HOST=unix://$D/docker.sock DOCKER_BUILDKIT=1
docker=/usr/bin/docker   # Debian's, which builds by itself
step() { printf '%3d.%02d s  %s\n' "$(( ($(date +%s%N) - t0) / 1000000000 ))" "$(( ($(date +%s%N) - t0) / 10000000 % 100 ))" "$*"; }
die() { echo "FAILED: $*" >&2; $docker ps -a >&2; for c in $($docker ps -aq); do $docker logs --tail 20 "$c" >&2; done; exit 1; }
is() { [ "$2" = "$3" ] || die "$1: \`$2\` instead of \`$3\`"; }
until_() {
  local what=$1 end=$(( $(date +%s) + 60 )); shift
  until "$@"; do [ "$(date +%s)" -lt "$end" ] || die "waited in vain for $what"; sleep 0.05; done
}
trap '"$HERE/dockerd.sh" stop "$D" >/dev/null 2>&1 || true; rm -rf "$W"' EXIT
"$HERE/dockerd.sh" start "$D" || exit 77
step "$($docker version -f 'Docker {{.Server.Version}}') runs"

# What a registry would give.
tar -C "$ROOT" --exclude=./var/cache --exclude='./proc/*' --exclude='./sys/*' --exclude=./usr/share/doc -c . | $docker import - lab/debian >/dev/null
mkdir "$W/rust" "$W/node" "$W/python"
cp "$OSTLER" "$W/rust/ostler"
printf '#!/bin/sh\nmkdir -p target/release && cp /ostler target/release/\n' > "$W/rust/cargo"
printf '#!/bin/sh\n' > "$W/rust/strip"; chmod 755 "$W"/rust/*
cat > "$W/rust/Dockerfile" <<'F'
FROM lab/debian
COPY ostler /ostler
COPY cargo strip /usr/local/bin/
F
cp "$NODE" "$W/node/node"; cp -rL "$(dirname "$(realpath "$(command -v npm)")")/.." "$W/node/npm"
cat > "$W/node/Dockerfile" <<'F'
FROM lab/debian
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && useradd node
F
mkdir "$W/python/root"
( cd "$W/python"; apt-get -o APT::Sandbox::User=root download python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libexpat1 zlib1g media-types >/dev/null
  for deb in *.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -C root --keep-directory-symlink -x; rm "$deb"; done )
cat > "$W/python/Dockerfile" <<'F'
FROM lab/debian
COPY root/usr /usr
COPY root/etc /etc
RUN ln -s python3.11 /usr/bin/python3; ln -s python3.11 /usr/bin/python; cp -r /lib/x86_64-linux-gnu/. /usr/lib/x86_64-linux-gnu/ 2>/dev/null; ldconfig
F
$docker build -q -t rust:1-bookworm "$W/rust" >/dev/null
$docker build -q -t node:22-bookworm-slim "$W/node" >/dev/null
$docker build -q -t python:3.13-slim-bookworm "$W/python" >/dev/null
step "base images are made"

cd "$HERE/../.."
for app in node python; do
  $docker build -q -f "examples/docker/$app/Dockerfile" -t "hello-$app" . >/dev/null || die "the image of examples/docker/$app"
done
step "both images are built"

inside() { nsenter -t "$(cat "$D/docker.pid.host")" -n -- "$@"; }
ip() { $docker inspect -f '{{.NetworkSettings.IPAddress}}' "$1"; }
get() { inside curl -s --max-time 5 "http://$(ip "$1"):$2/"; }
answers() { get "$@" >/dev/null; }
health() { $docker inspect -f '{{.State.Health.Status}}' "$1"; }
healthy() { [ "$(health "$1")" = healthy ]; }
code() { $docker inspect -f '{{.State.ExitCode}}' "$1"; }
now() { date +%s%N; }
ms() { echo $(( ($(now) - $1) / 1000000 )); }
workers() { $docker top "$1" -o pid,args | grep -c "node .*server.js\|server.js$" || true; }
# Nothing can be written, nobody may do anything, and no user has this number.
LOCKED=(--read-only --cap-drop ALL --security-opt no-new-privileges --user 23456)

# PM2's names. It ends 12 s after nothing runs any more: it is looked at when the rest is done.
mkdir "$W/apps"; printf 'echo out line; echo err line >&2; exec sleep 1000\n' > "$W/apps/out.sh"; printf 'exit 3\n' > "$W/apps/end.sh"
printf '{ "apps": [{ "name": "a", "script": "/apps/out.sh" }, { "name": "b", "script": "/apps/nope.sh" }] }' > "$W/apps/bad.json"
runtime() { local name=$1; shift; $docker run -d --name "$name" "${LOCKED[@]}" -v "$W/apps:/apps:ro" hello-node "$@" >/dev/null; }
out_of() { $docker logs "$1" 2>/dev/null; }
err_of() { $docker logs "$1" 2>&1 >/dev/null; }
runtime ends pm2-runtime /apps/end.sh --no-autorestart; ended=$(now)
runtime r1 pm2-runtime start server.js -i 2 --json
until_ "an answer under pm2-runtime" answers r1 3000
is "workers under pm2-runtime" "$(workers r1)" 2
[ "$($docker exec r1 pm2 jlist | grep -o '"status":"online"' | wc -l)" = 2 ] || die "pm2 jlist inside"
# What a command inside leaves behind becomes a child of the first process.
$docker exec r1 sh -c 'for i in 1 2 3 4 5; do sh -c "(sleep 0.1; exec true) & (exec true) & exec true"; done'
reaped() { ! $docker top r1 -o pid,stat,args | grep -e ' Z' -e 'sleep 0.1' >/dev/null; }
until_ "the end of all orphans" reaped
begun=$(now); $docker stop -t 10 r1 >/dev/null
is "exit code of pm2-runtime after docker stop" "$(code r1)" 0
[ "$(ms "$begun")" -lt 9000 ] || die "docker stop waited for its time-out: $(ms "$begun") ms"
is "lines of --json that are no JSON" "$(out_of r1 | grep -v '^{.*}$' || true)" ""
runtime r2 pm2-docker /apps/out.sh --raw; runtime r3 pm2-runtime /apps/out.sh --format
told() { out_of "$1" | grep -q 'out line'; }
until_ "a line" told r2; until_ "a line" told r3
for c in r2 r3; do $docker kill -s INT $c >/dev/null; $docker wait $c >/dev/null; is "exit code of $c after SIGINT" "$(code $c)" 0; done
is "the app's own lines, raw" "$(out_of r2 | grep -v ' PM2 log: ')" "out line"
is "the app's errors, raw" "$(err_of r2)" "err line"
out_of r3 | grep -qE '^timestamp=[^ ]* app=out id=0 type=error message=err line$' || die "a line of --format: $(out_of r3)"
rc=0; $docker run --name r4 "${LOCKED[@]}" -v "$W/apps:/apps:ro" hello-node pm2-runtime /apps/bad.json >/dev/null 2>&1 || rc=$?
is "exit code when an app cannot be started" "$rc" 1
step "pm2-runtime: signals, orphans, exit codes, --json, --raw, --format"

$docker run -d --name n1 --health-interval 1s "${LOCKED[@]}" hello-node >/dev/null
until_ "an answer of the Node image" answers n1 3000
is "workers, one for each CPU" "$(workers n1)" "$(nproc)"
until_ "a healthy container" healthy n1
$docker exec n1 ostler scale server 3 >/dev/null || die "scale"
is "workers after scale" "$(workers n1)" 3
$docker exec n1 ostler list >/dev/null || die "list"
# A reload while requests come.
( for i in $(seq 100); do get n1 3000 >> "$W/answers" || echo FAILED >> "$W/answers"; done ) & load=$!
until_ "answers under load" test -s "$W/answers"
$docker exec n1 ostler reload server >/dev/null || die "reload"
wait "$load"
is "failed requests of 100 over a reload" "$(grep -vc '^hello from process' "$W/answers" || true)" 0
begun=$(now); $docker stop -t 10 n1 >/dev/null
is "exit code after docker stop" "$(code n1)" 0
[ "$(ms "$begun")" -lt 9000 ] || die "docker stop waited for its time-out: $(ms "$begun") ms"
step "Node: a worker for each CPU, healthy, scaled, reloaded without a failed request, stopped with 0 in $(ms "$begun") ms"

$docker run -d --name n2 hello-node ostler run server.js -i 2 --json >/dev/null
until_ "an answer as an ordinary user" answers n2 3000
$docker kill -s KILL n2 >/dev/null; is "exit code after SIGKILL" "$(code n2)" 137
$docker start n2 >/dev/null; until_ "an answer after SIGKILL and start" answers n2 3000
$docker exec n2 pm2 list >/dev/null || die "pm2 list"
$docker stop n2 >/dev/null; is "exit code of the second run" "$(code n2)" 0
step "Node: killed, started again"

rc=0; $docker run --name n3 "${LOCKED[@]}" hello-node ostler run node --no-autorestart -- -e 'process.exit(7)' >/dev/null 2>&1 || rc=$?
is "the app's exit code is the container's" "$rc" 7
step "an app's exit code is the container's"

$docker run -d --name p1 --health-interval 1s "${LOCKED[@]}" hello-python >/dev/null
until_ "an answer of the Python image" answers p1 8000
until_ "a healthy container" healthy p1
$docker stop -t 10 p1 >/dev/null; is "exit code of the Python image" "$(code p1)" 0
$docker logs p1 2>/dev/null | while read -r line; do case $line in '{'*'}') ;; *) echo "$line"; esac; done > "$W/bad"
is "lines that are no JSON" "$(cat "$W/bad")" ""
step "Python: healthy, stopped with 0, JSON lines"

$docker wait ends >/dev/null
is "exit code of pm2-runtime when nothing runs any more" "$(code ends)" 2
[ "$(ms "$ended")" -gt 10000 ] || die "it ended after $(ms "$ended") ms, and PM2 waits for 12 s"
step "pm2-runtime ends by itself, with 2"

# Beside no manager: time to the first answer.
first() { # NAME COMMAND…: ms until the first answer
  local name=$1 begun; shift
  $docker create --name "$name" hello-node "$@" >/dev/null
  begun=$(now); $docker start "$name" >/dev/null
  until answers "$name" 3000; do :; done
  echo "$(ms "$begun")"
}
for kind in alone ostler; do
  case $kind in
    alone) command=(node server.js) ;;
    ostler) command=(ostler run server.js) ;;
  esac
  for i in 1 2 3 4 5; do first "$kind$i" "${command[@]}"; $docker rm -f "$kind$i" >/dev/null; done | sort -n | sed -n 3p > "$W/$kind"
done
step "first answer, median of 5: $(cat "$W/alone") ms alone, $(cat "$W/ostler") ms under \`ostler run\`"
echo PASS
