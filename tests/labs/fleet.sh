#!/bin/bash
# `--hosts`: commands on three hosts with a real sshd each.
#   fleet.sh OSTLER NODE   OSTLER: the program; NODE: a program of Node
# Needs root, namespaces, openssh-server, curl. Prints PASS at the end.
set -euo pipefail
if [ "$1" != --inside ]; then # the hosts are made here; the rest runs in their network
  HERE=$(dirname "$(realpath "$0")"); OSTLER=$(realpath "$1"); NODE=$(realpath "$2")
  D=$(mktemp -d /tmp/ostler-fleet.XXXXXX); trap '"$HERE/sshhosts.sh" down "$D"' EXIT
  mkdir "$D/bin"; ln -s "$OSTLER" "$D/bin/ostler"; ln -s "$NODE" "$D/bin/node"
  "$HERE/sshhosts.sh" up "$D" 3
  "$HERE/sshhosts.sh" in "$D" bash "$HERE/fleet.sh" --inside "$D" "$HERE"; exit
fi
D=$2; HERE=$3; t0=$(date +%s%N); H=10.78.0.1,10.78.0.2,10.78.0.3; W=$D/ctl/w; OUT=$W/out; ERR=$W/err; mkdir "$W"; cd "$W"
export HOME=/root OSTLER_HOME=$D/ctl/home NO_COLOR=1 TERM=dumb OSTLER_CGROUP=off PATH=$D/bin:$PATH
step() { printf '%3d.%02d s  %s\n' "$(( ($(date +%s%N) - t0) / 1000000000 ))" "$(( ($(date +%s%N) - t0) / 10000000 % 100 ))" "$*"; }
die() { echo "FAILED: $*" >&2; tail -n 9 "$OUT" "$ERR" >&2 || true; tail -n 5 "$D"/host*/sshd.log >&2; exit 1; }
is() { [ "$2" = "$3" ] || die "$1: \`$2\` instead of \`$3\`"; }
has() { grep -qF -- "$2" "$1" || die "no \`$2\` in \`$(cat "$1")\`"; }
o() { # CODE WORD…
  local code=$1 rc=0; shift
  ostler "$@" > "$OUT" 2> "$ERR" < /dev/null || rc=$?
  is "exit code of \`ostler $*\`" "$rc" "$code"
}
for n in 1 2 3; do
  cat > "$D/host$n/srv/server.js" <<J
console.log('host$n begins')
require('http').createServer((q, r) => r.end('host$n')).listen(3000)
J
done
o 0 -H $H start /srv/server.js -i 2 --name api --wait
for n in 1 2 3; do is "an answer of host $n" "$(curl -s --max-time 5 "http://10.78.0.$n:3000/")" "host$n"; done
o 0 list -H $H; is "rows" "$(cut -f1-4 "$OUT" | tr '\t' ' ' | paste -sd,)" "10.78.0.1 api 2/2 online,10.78.0.2 api 2/2 online,10.78.0.3 api 2/2 online"
step "started and listed on three hosts, by one command each"

begun=$(date +%s%N); o 0 list -H $H; step "list of three hosts: $(( ($(date +%s%N) - begun) / 1000000 )) ms"
o 0 logs -H $H --nostream --out --lines 100
for n in 1 2 3; do is "lines of host $n" "$(grep -c "^10.78.0.$n api:[01] | host$n begins$" "$OUT")" 2; done
step "logs of three hosts"

for n in 1 2 3; do # requests until the reload is over
  ( until [ -e "$W/over" ]; do curl -s --max-time 5 "http://10.78.0.$n:3000/" >> "$W/answers$n" || echo FAILED >> "$W/answers$n"; echo >> "$W/answers$n"; done ) &
done
o 0 reload api -H $H; touch "$W/over"; wait
for n in 1 2 3; do has "$OUT$([ -s "$OUT" ] || echo "$ERR")" "10.78.0.$n: reloaded api 2/2"; done
is "failed requests" "$(cat "$W"/answers* | grep -c FAILED || true)" 0
step "reloaded host after host: 0 of $(cat "$W"/answers* | grep -c .) requests failed"

echo 'throw new Error("no")' > "$D/host2/srv/server.js"
o 1 reload api -H $H; has "$ERR" '`reload` on 10.78.0.2: exit code 1; 10.78.0.3 was left alone'; has "$ERR" 'ostler -H 10.78.0.2,10.78.0.3 reload api'
for n in 1 2 3; do is "an answer of host $n" "$(curl -s --max-time 5 "http://10.78.0.$n:3000/")" "host$n"; done
step "a version that does not start on the second host: the third is left alone, all go on"

"$HERE/sshhosts.sh" cut "$D" 3
o 1 list -H $H; has "$ERR" 'no list of 10.78.0.3: ssh did not reach it'; is "rows of the others" "$(grep -c online "$OUT")" 2
step "a host that is gone: the others are listed"
for n in 1 2; do ostler -H 10.78.0.$n delete all >/dev/null 2>&1; ssh 10.78.0.$n ostler kill >/dev/null 2>&1; done
echo PASS
