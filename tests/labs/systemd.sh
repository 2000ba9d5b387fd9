#!/bin/bash
# The service that `ostler startup` installs, under a real systemd: reboots, power cuts, SIGKILL of every part.
#   systemd.sh ROOT OSTLER    ROOT: a debootstrap'd tree with systemd; OSTLER: the program
# Needs root, namespaces and cgroup v2. Prints PASS at the end; ends with 77 where systemd cannot boot.
set -euo pipefail
HERE=$(dirname "$(realpath "$0")"); ROOT=$(realpath "$1"); OSTLER=$(realpath "$2"); BOX="$HERE/sdbox.sh"; t0=$(date +%s%N)
step() { printf '%3d.%02d s  %s\n' "$(( ($(date +%s%N) - t0) / 1000000000 ))" "$(( ($(date +%s%N) - t0) / 10000000 % 100 ))" "$*"; }
die() {
  echo "FAILED: $*" >&2
  x systemctl status --no-pager -l "$UNIT" >&2 || true
  x journalctl --no-pager -n 60 >&2 || true
  x tail -n 40 /root/.ostler/pm2.log >&2 || true
  "$BOX" kill "$ROOT"; exit 1
}
x() { "$BOX" exec "$ROOT" "$@"; }
# until WHAT COMMAND…: asks again until the command succeeds, 20 s at most
until_() {
  local what=$1 end=$(( $(date +%s) + 20 )); shift
  until "$@"; do [ "$(date +%s)" -lt "$end" ] || die "waited in vain for $what"; sleep 0.05; done
}
is() { [ "$2" = "$3" ] || die "$1: \`$2\` instead of \`$3\`"; }
UNIT=ostler-root
prop() { x systemctl show -p "$1" --value "$UNIT"; }
apps() { x pgrep -f '^/bin/sh /opt/apps/' | sort -n | tr '\n' ' ' || true; }
count() { x pgrep -fc '^/bin/sh /opt/apps/' || true; }
role() { x pgrep -fo "^/usr/local/bin/ostler $1( |\$)" || true; }
# The daemon is stopped first: it would replace a keeper that dies a moment before.
kill_both() { x sh -c "kill -STOP $(role daemon); kill -KILL $* $(role keeper) $(role daemon)"; }
two() { [ "$(count)" = 2 ]; }
none() { [ "$(count)" = 0 ] && [ -z "$(role keeper)$(role daemon)$(role boot)" ]; }
answers() { x ostler jlist >/dev/null 2>&1; }
online() { [ "$(x ostler jlist | grep -o '"status":"online"' | wc -l)" = 2 ]; }
ann() { x setpriv --reuid ann --regid ann --init-groups env HOME=/home/ann USER=ann XDG_RUNTIME_DIR=/run/user/$id "$@"; }
ann_restarted() { [ "$(ann systemctl --user show -p NRestarts,ActiveState --value ostler-ann | tr '\n' ' ')" = "1 active " ]; }
inactive() { [ "$(prop ActiveState)" = inactive ]; }
restarted() { [ "$(prop NRestarts)" -gt "$1" ] && [ "$(prop ActiveState)" = active ]; }

"$BOX" kill "$ROOT" 2>/dev/null || true
"$BOX" reset "$ROOT"
U="$ROOT.up/u"; mkdir -p "$U/usr/local/bin" "$U/opt/apps"
install -m 755 "$OSTLER" "$U/usr/local/bin/ostler"
for app in one two unsaved; do
  printf '#!/bin/sh\n# %s\ntrap "kill \$!; exit 0" TERM INT\nwhile :; do sleep 1000 & wait $!; done\n' "$app" > "$U/opt/apps/$app.sh"
done
chmod 755 "$U"/opt/apps/*
trap '"$BOX" kill "$ROOT" 2>/dev/null || true' EXIT
# 77: this is no place for such a machine
booted=$("$BOX" start "$ROOT") || exit 77
case $booted in running*|degraded*) ;; *) echo "systemd did not boot: $booted" >&2; exit 77 ;; esac
step "systemd $(x systemctl --version | head -n 1 | cut -d' ' -f2) booted"

x ostler start /opt/apps/one.sh --interpreter /bin/sh --name one >/dev/null
x ostler start /opt/apps/two.sh --interpreter /bin/sh --name two >/dev/null
x ostler save >/dev/null
x ostler startup > "$ROOT.up/startup.txt" || { cat "$ROOT.up/startup.txt"; die "startup"; }
is "systemd-analyze verify" "$(x systemd-analyze verify /etc/systemd/system/$UNIT.service 2>&1)" ""
is "enabled" "$(x systemctl is-enabled $UNIT)" enabled
step "startup: the unit is enabled and free of complaints"

"$BOX" reboot "$ROOT" >/dev/null
is "state" "$(prop ActiveState)/$(prop SubState)" active/running
is "apps after the reboot" "$(count)" 2; online || die "not online"
for pid in $(apps); do
  x grep -q "/$UNIT.service/ostler-[0-9a-f]*/run-" "/proc/$pid/cgroup" || die "app $pid is not in a group below the unit: $(x cat /proc/$pid/cgroup)"
  ! x grep -qz NOTIFY_SOCKET "/proc/$pid/environ" || die "an app knows the service manager's socket"
done
! x grep -qz NOTIFY_SOCKET "/proc/$(role daemon)/environ" || die "the daemon knows the service manager's socket"
is "status" "$(prop StatusText)" "The saved apps are back."
step "reboot: the saved apps are back, each in a control group below the unit"

x ostler start /opt/apps/unsaved.sh --interpreter /bin/sh --name unsaved >/dev/null; is "apps" "$(count)" 3
"$BOX" reboot "$ROOT" >/dev/null; is "apps after the reboot (the unsaved one must not be there)" "$(count)" 2
step "reboot: what was not saved is not back"

pids=$(apps); n=$(prop NRestarts); daemon=$(role daemon); main=$(prop MainPID)
x kill -KILL "$main"; until_ "a new main process" restarted "$n"
is "apps after SIGKILL of the main process" "$(apps)" "$pids"; is "daemon" "$(role daemon)" "$daemon"
step "SIGKILL of the main process: same apps, same daemon, unit active again"

n=$(prop NRestarts); main=$(prop MainPID)
x kill -KILL "$(role keeper)"; until_ "another keeper" answers
x kill -KILL "$daemon"; until_ "another daemon" answers
[ "$(role daemon)" != "$daemon" ] || die "the daemon was not replaced"
is "apps after SIGKILL of keeper, then daemon" "$(apps)" "$pids"; online || die "not online"
is "main process" "$(prop MainPID)/$(prop NRestarts)" "$main/$n"
step "SIGKILL of the keeper, then of the daemon: same apps, the unit does not notice"

kill_both
until_ "a restart of the unit" restarted "$n"; until_ "two apps" two; until_ "both online" online; is "apps" "$(count)" 2
step "SIGKILL of keeper and daemon at once: two apps, no duplicate"

n=$(prop NRestarts)
kill_both "$(prop MainPID)"
until_ "a restart of the unit" restarted "$n"; until_ "two apps" two; until_ "both online" online; is "apps" "$(count)" 2
step "SIGKILL of all three: two apps, no duplicate"

x mkdir -p /etc/systemd/system/$UNIT.service.d; x sh -c "printf '[Service]\nWatchdogSec=3\n' > /etc/systemd/system/$UNIT.service.d/test.conf"
x systemctl daemon-reload; n=$(prop NRestarts); x kill -KILL "$(prop MainPID)"; until_ "a restart of the unit" restarted "$n"
pids=$(apps); n=$(prop NRestarts); daemon=$(role daemon)
x kill -STOP "$daemon"; until_ "another daemon in place of the one that hangs" test ! -e "/proc/$("$BOX" pid "$ROOT")/root/proc/$daemon"
until_ "an answer" answers; is "apps after a hang" "$(apps)" "$pids"; is "restarts" "$(prop NRestarts)/$(prop ActiveState)" "$n/active"
step "a daemon that hangs is replaced before the watchdog bites: same apps"

x systemctl reload $UNIT; online || die "not online after the reload"
is "state after the reload" "$(prop ActiveState)" active; is "apps" "$(count)" 2
[ "$(apps)" != "$pids" ] || die "reload replaced nothing"
step "systemctl reload: every app replaced"

x ostler start /opt/apps/unsaved.sh --interpreter /bin/sh --name unsaved >/dev/null; is "apps" "$(count)" 3
"$BOX" kill "$ROOT"
for file in pm2.pid ostler.sock dump.pm2; do [ -e "$U/root/.ostler/$file" ] || die "the power cut left no $file"; done
"$BOX" start "$ROOT" >/dev/null
is "apps after the power cut" "$(count)" 2; online || die "not online"; is "state" "$(prop ActiveState)" active
step "power cut with stale pid file and socket: the saved apps are back"

x systemctl stop $UNIT
none || die "something is left after the stop: $(x ps ax -o pid,args)"
is "state after the stop" "$(prop ActiveState)/$(prop Result)" inactive/success
[ -z "$(x sh -c "ls -d /sys/fs/cgroup/system.slice/$UNIT.service" 2>/dev/null)" ] || die "the control group is left"
x systemctl start $UNIT; is "apps after the start" "$(count)" 2
x ostler kill >/dev/null; until_ "the unit to notice" inactive; is "result" "$(prop Result)" success
x systemctl start $UNIT; is "apps after another start" "$(count)" 2
step "systemctl stop stops all, start brings all back; ostler kill ends the unit in peace"

x ostler unstartup >/dev/null
none || die "something is left after unstartup: $(x ps ax -o pid,args)"
[ -z "$(x find /etc/systemd -name "$UNIT.service" 2>/dev/null)" ] || die "the unit is left"
x ostler unstartup >/dev/null 2>&1 && die "there was nothing to remove"
step "unstartup removes all"

x useradd -m -s /bin/sh ann; id=$(x id -u ann); x loginctl enable-linger ann
until_ "ann's manager" ann systemctl --user is-active -q default.target
ann ostler start /opt/apps/one.sh --interpreter /bin/sh --name one >/dev/null
ann ostler start /opt/apps/two.sh --interpreter /bin/sh --name two >/dev/null
ann ostler save >/dev/null
ann ostler startup >"$ROOT.up/asked.txt" && die "startup without root must ask for root"
grep -qx 'sudo env PATH="$PATH" /usr/local/bin/ostler startup systemd -u ann --hp /home/ann' "$ROOT.up/asked.txt" || die "$(cat "$ROOT.up/asked.txt")"
ann ostler startup systemd-user >"$ROOT.up/startup.txt" || { cat "$ROOT.up/startup.txt"; die "startup systemd-user"; }
"$BOX" reboot "$ROOT" >/dev/null; until_ "ann's apps" two
is "owner" "$(x ps -o user= -p "$(apps | cut -d' ' -f1)")" ann
until_ "the unit of the user to be active" ann systemctl --user is-active -q ostler-ann
pids=$(apps); ann systemctl --user kill -s KILL --kill-who=main ostler-ann
until_ "a restart" ann_restarted
is "apps after SIGKILL" "$(apps)" "$pids"
ann ostler unstartup systemd-user >/dev/null; until_ "nothing to be left" none
step "--user with lingering: back without a login, SIGKILL survived, removed"

# A machine's service that runs as ann.
ann ostler start /opt/apps/one.sh --interpreter /bin/sh --name one >/dev/null
ann ostler start /opt/apps/two.sh --interpreter /bin/sh --name two >/dev/null
ann ostler save >/dev/null
x ostler startup systemd -u ann --hp /home/ann >/dev/null
"$BOX" reboot "$ROOT" >/dev/null; UNIT=ostler-ann
is "apps of ann" "$(count)" 2; is "owner" "$(x ps -o user= -p "$(apps | cut -d' ' -f1)")" ann
x grep -q "/$UNIT.service/ostler-[0-9a-f]*/run-" "/proc/$(apps | cut -d' ' -f1)/cgroup" || die "no delegated group for ann"
x systemctl stop $UNIT; none || die "something is left"
step "a system service for another user, with delegated control groups"
"$BOX" stop "$ROOT"; echo PASS
