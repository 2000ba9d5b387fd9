#!/bin/bash
# `deploy` to hosts with a real sshd, and the same commands with PM2.
#   deploy.sh OSTLER NODE [PM2]   OSTLER: the program; NODE: a program of Node; PM2: PM2's command, with which it is compared
# Needs root, namespaces, openssh-server, git, curl. Prints PASS at the end.
set -euo pipefail
if [ "$1" != --inside ]; then # the hosts are made here; the rest runs in their network
  HERE=$(dirname "$(realpath "$0")"); OSTLER=$(realpath "$1"); NODE=$(realpath "$2"); PM2=${3:-}
  D=$(mktemp -d /tmp/ostler-deploy.XXXXXX); trap '"$HERE/sshhosts.sh" down "$D"' EXIT
  mkdir "$D/bin" "$D/as-pm2" "$D/real-pm2"; ln -s "$OSTLER" "$D/bin/ostler"; ln -s "$NODE" "$D/bin/node"
  ln -s "$OSTLER" "$D/as-pm2/pm2"; [ -z "$PM2" ] || ln -s "$(realpath "$PM2")" "$D/real-pm2/pm2"
  "$HERE/sshhosts.sh" up "$D" 3
  if fish=$(command -v fish); then sed "s|^\(root:.*:\)[^:]*$|\1$fish|" /etc/passwd > "$D/host2/passwd"; "$HERE/sshhosts.sh" cut "$D" 2; "$HERE/sshhosts.sh" boot "$D" 2; fi
  "$HERE/sshhosts.sh" in "$D" bash "$HERE/deploy.sh" --inside "$D" "$HERE"; exit
fi
D=$2; HERE=$3; t0=$(date +%s%N); A=10.78.0.1; B=10.78.0.2; GIT=10.78.0.3; W=$D/ctl/w; OUT=$W/out; ERR=$W/err; mkdir "$W"; cd "$W"
export HOME=/root OSTLER_HOME=$D/ctl/home PM2_HOME=$D/ctl/pm2 PM2_DISCRETE_MODE=true NO_COLOR=1 TERM=dumb OSTLER_CGROUP=off PATH=$D/bin:$PATH
for role in AUTHOR COMMITTER; do export GIT_${role}_NAME=jo GIT_${role}_EMAIL=jo@example.com GIT_${role}_DATE=2026-01-01T00:00:00Z; done
step() { printf '%3d.%02d s  %s\n' "$(( ($(date +%s%N) - t0) / 1000000000 ))" "$(( ($(date +%s%N) - t0) / 10000000 % 100 ))" "$*"; }
die() { echo "FAILED: $*" >&2; tail -n 5 "$OUT" "$ERR" >&2 || true; tail -n 5 "$D"/host*/sshd.log >&2; exit 1; }
is() { [ "$2" = "$3" ] || die "$1: \`$2\` instead of \`$3\`"; }
has() { grep -qF -- "$2" "$1" || die "no \`$2\` in \`$(cat "$1")\`"; }
until_() {
  local what=$1 end=$(( $(date +%s) + 60 )); shift
  until "$@"; do [ "$(date +%s)" -lt "$end" ] || die "waited in vain for $what"; sleep 0.05; done
}
get() { curl -s --max-time 5 "http://$1:3000/"; }
both() { is "the version on the first host" "$(get $A)" "$1"; is "the version on the second" "$(get $B)" "$1"; }
says() { [ "$(get "$1")" = "$2" ]; }
deploy() { # CODE WORD…
  local code=$1 rc=0; shift
  ostler deploy "$@" > "$OUT" 2> "$ERR" < /dev/null || rc=$?
  is "exit code of \`deploy $*\`" "$rc" "$code"
}
# The key is on no host: git reaches its own host by the agent that is passed on.
eval "$(ssh-agent -s)" >/dev/null; ssh-add -q /root/.ssh/id_ed25519
ssh $GIT git init -q --bare -b main /srv/app.git; git init -q -b main clone; cd clone; git remote add origin "ssh://root@$GIT/srv/app.git"
cat > server.js <<'J'
const version = require('fs').readFileSync('version', 'utf8').trim()
require('http').createServer((q, r) => r.end(version)).listen(3000)
J
target() { # NAME HOSTS MORE PATH
  printf '"%s": { "user": "root", "host": %s, "repo": "ssh://root@%s/srv/app.git", "ref": "origin/main", "path": "/srv/%s", "forward-agent": "yes", "ssh_options": "ConnectTimeout=3"%s }' "$1" "$2" $GIT "${4:-app}" "${3:-}"
}
push() { # VERSION
  cat > ecosystem.json <<J
{ "apps": [{ "name": "web", "script": "server.js", "instances": 2, "exec_mode": "cluster" }], "deploy": { $(target production "[\"$A\", \"$B\"]"),
  $(target door "\"$A\"" ", \"port\": 2222, \"key\": \"/root/.ssh/id_ed25519\", \"needs_tty\": true, \"env\": { \"colour\": \"it's \$blue\" }, \"post-deploy\": \"[ -t 1 ] && echo with a terminal, \$COLOUR\""),
  $(target slow "[\"$A\", \"$B\"]" ", \"post-deploy\": \"if [ \$(hostname) = host2 ]; then touch /srv/hangs; until [ -e /srv/on ]; do sleep 0.1; done; fi\""),
  $(target one "\"$A\"" ", \"post-deploy\": \"echo post \$(cat version)\""), $(target two "[\"$A\", \"$B\"]" "" two),
  $(target failing "[\"$A\", \"$B\"]" ", \"post-deploy\": \"[ \$(hostname) = host1 ] || exit 3\"") } }
J
  echo "$1" > version; git add -A; git commit -qm "$1"; git push -q -u origin main; git rev-parse HEAD
}

one=$(push one)
deploy 1 production; has "$ERR" "$A is not set up"
deploy 0 production setup; deploy 0 production
until_ "the first version" says $A one; until_ "the first version" says $B one
step "one version, cloned by ssh with the agent that is passed on, serves on two hosts$([ ! -e "$D/host2/passwd" ] || echo ', one of whose shells is fish')"

two=$(push two)
(while [ ! -e "$W/enough" ]; do get $A || echo FAILED; echo; done > "$W/answers") & load=$!
until_ "answers under load" test -s "$W/answers"
deploy 0 production; until_ "the new version under load" grep -q two "$W/answers"
touch "$W/enough"; wait "$load"
is "answers that were neither version, while it was deployed" "$(grep -vc -e '^one$' -e '^two$' -e '^$' "$W/answers" || true)" 0
both two; is "the workers" "$(ssh $A ostler jlist | grep -o '"status":"online"' | wc -l)" 2
step "the next one came under load: $(grep -c . "$W/answers") answers, none failed"

deploy 0 production current; is "current" "$(cat "$OUT")" "$(printf '%s\t%s\n' $A "${two:0:7}" $B "${two:0:7}")"
deploy 0 production previous; is "previous" "$(cat "$OUT")" "$(printf '%s\t%s\n' $A "$one" $B "$one")"
deploy 0 production exec hostname; is "exec" "$(cat "$OUT")" "$(printf 'host1\nhost2')"
deploy 1 production exec 'exit 255'; has "$ERR" "$A: the command failed"; deploy 1 production ref nope; has "$ERR" "there is no \`nope\`"
script -qec 'ostler deploy door' /dev/null < /dev/null | tr -d '\r' > "$W/said"; has "$W/said" "with a terminal, it's \$blue"
step "what is there is told; another port, a key and a terminal"

"$HERE/sshhosts.sh" cut "$D" 2; three=$(push three)
deploy 1 production; has "$ERR" "$B: ssh has failed"; is "the version while a host is away" "$(get $A)" two
"$HERE/sshhosts.sh" boot "$D" 2
deploy 0 production; until_ "the version after the power cut" says $B three; until_ "the version" says $A three
step "a host without power: nothing changed on the other; after it is back, both have the version"

deploy 1 failing; has "$ERR" "$B: deploy failed: exit status: 3; done on $A"
ostler deploy slow > "$W/slow" 2>&1 < /dev/null & slow=$!
until_ "the command that hangs" test -e "$D/host2/srv/hangs"
deploy 1 production; has "$ERR" "$B: somebody deploys to it at this moment"
sshd=$(ssh $B "pgrep -f 'sshd: root@notty' | head -n 1"); kill_on_b() { ssh $B "kill -KILL $1"; }
kill_on_b "$sshd"; rc=0; wait "$slow" || rc=$?
is "exit code when the connection is cut" "$rc" 1; has "$W/slow" "$B: ssh has failed"; has "$W/slow" "done on $A"
free() { ostler deploy production > "$OUT" 2> "$ERR" < /dev/null; }
! free || die "the command still runs, and another deployment began"
touch "$D/host2/srv/on"; until_ "the end of the command that hung" free
step "a hook that fails, a second deployment at once, a connection that is cut: told, and the next one works"

deploy 0 production "$two"; both two
deploy 0 production revert; both three
step "a commit is deployed, and the version before it comes back"
for host in $A $B; do ssh $host ostler kill > "$OUT" 2>&1; done

# The same commands under PM2's name, and with PM2.
lines() { # SIDE FOLDER
  local folder=$2 line rc
  for host in $A $B; do ssh $host rm -rf /srv/app /srv/two; done
  while read -r line; do
    rc=0; PATH="$folder:$PATH" pm2 deploy $line > "$OUT" 2> "$ERR" < /dev/null || rc=$?
    echo "== $line: $rc"
    # What only tells of steps is not the same, and is in docs/pm2-differences.md; nor are reasons of failures.
    grep -v -e '^  ○ ' -e '^HEAD is now' -e '^$' "$OUT" || true
    grep -e '^Deploy failed' "$ERR" || true
  done > "$W/$1" <<L
one setup
one
one update
one list
one curr
one current
one prev
one previous
one run exit 5
one exec cat version
one revert 1
one list
one ref origin/main
one ref nope
failing
nope setup
nope.json x
two setup
two list
two curr
two exec hostname
two exec exit 7
L
}
lines ostler "$D/as-pm2"
has "$W/ostler" "Deploy failed with exit code: 5"
if [ -e "$D/real-pm2/pm2" ]; then
  lines pm2 "$D/real-pm2"; PATH=$D/real-pm2:$PATH pm2 kill > "$OUT" 2>&1
  diff "$W/pm2" "$W/ostler" || die "PM2 and ostler are not the same"
  step "under PM2's name the same codes and answers as PM2: $(grep -c '^==' "$W/pm2") commands"
fi
echo PASS
