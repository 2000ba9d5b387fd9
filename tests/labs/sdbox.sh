#!/bin/bash
# sdbox.sh — boot a real systemd as PID 1 of a namespace, with util-linux only
# (no systemd-container, no systemd on the host). Needs root and a debootstrap'd
# rootfs with systemd in it.
#   sdbox.sh start ROOT     boot; returns when the system is running
#   sdbox.sh exec  ROOT CMD...   run CMD inside (all namespaces + cgroup)
#   sdbox.sh pid   ROOT     pid of its init, seen from here
#   sdbox.sh stop  ROOT     orderly poweroff (SIGRTMIN+4), then kill the cgroup
#   sdbox.sh kill  ROOT     power cut: cgroup.kill on everything
#   sdbox.sh reboot ROOT    stop + start ("reboot")
#   sdbox.sh reset  ROOT    forget all changes (ROOT itself is never written: it is the lower layer of an overlay; read files with exec)
set -euo pipefail
cmd=$1; ROOT=$(realpath "$2"); shift 2
NAME=sdbox-$(printf %s "$ROOT" | cksum | cut -d' ' -f1)
RUN=/run/$NAME; CG2=$(awk '$3=="cgroup2"{print $2; exit}' /proc/mounts); CG=$CG2/$NAME
initpid() { cat "$RUN/init.pid" 2>/dev/null; }
alive() { local p; p=$(initpid) && [ -d "/proc/$p" ]; }
insert() { # enter the namespaces, in the root of the box's cgroup subtree
  local p; p=$(initpid)
  # cgroup v2 "no internal processes" binds only where controllers are enabled; use a leaf anyway
  mkdir -p "$CG/shell"; 
  ( echo "$BASHPID" > "$CG/shell/cgroup.procs"
    exec nsenter -t "$p" -m -u -i -n -p -C -r -w -- /usr/bin/env -i container=sdbox TERM=dumb \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@" )
}
cleanup() {
  local i
  for i in $(seq 100); do alive || break; sleep 0.05; done
  for i in $(seq 100); do
    find "$CG" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    [ -d "$CG" ] || break; sleep 0.05
  done
  rm -rf "$RUN"
}
case $cmd in
start)
  alive && { echo "already running"; exit 1; }
  mkdir -p "$RUN" "$CG"
  cat > "$RUN/inner.sh" <<'IN'
set -e
R=$1   # $2: a file for the boot's identity
mount --make-rprivate /
mkdir -p "$R.up/u" "$R.up/w"; mount -t overlay -o "lowerdir=$R,upperdir=$R.up/u,workdir=$R.up/w" overlay "$R"; cd "$R"   # changes persist in ROOT.up
mount -t proc -o nosuid,noexec,nodev proc proc
mount --bind proc/sys proc/sys; mount -o remount,bind,ro proc/sys        # box can't change host sysctls
cat /proc/sys/kernel/random/uuid > "$2"; mount --bind "$2" proc/sys/kernel/random/boot_id   # each boot is another one
[ -e proc/sysrq-trigger ] && { mount --bind proc/sysrq-trigger proc/sysrq-trigger; mount -o remount,bind,ro proc/sysrq-trigger; }
mount -t sysfs -o ro,nosuid,noexec,nodev sysfs sys
mount -t cgroup2 -o nosuid,noexec,nodev cgroup2 sys/fs/cgroup             # pure unified hierarchy, own root
mount -t tmpfs -o mode=755,nosuid tmpfs dev
# own nodes, own root superblock: a `mount -o remount,ro` inside (OpenRC's shutdown does that) must never reach the machine's / or /dev
while read n M m; do mknod -m 666 dev/$n c $M $m; done <<'N'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
N
mkdir dev/pts dev/shm; mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd; mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
ip link set lo up 2>/dev/null || true
mkdir -p .old; pivot_root . .old; umount -l .old; rmdir .old 2>/dev/null || true
exec env -i container=sdbox PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-syslog,-wake_alarm,-audit_control,-mac_admin \
  /sbin/init --log-target=journal --show-status=no </dev/null >/dev/null 2>&1
IN
  (
    echo "$BASHPID" > "$CG/cgroup.procs"
    exec setsid unshare --mount --uts --ipc --net --pid --cgroup --fork \
      bash "$RUN/inner.sh" "$ROOT" "$RUN/boot_id" </dev/null >"$RUN/boot.log" 2>&1
  ) & outer=$!
  # the init is the only child of `unshare --fork`
  for i in $(seq 200); do
    p=$(cat /proc/$outer/task/$outer/children 2>/dev/null | tr -d ' ') || true
    if [ -n "${p:-}" ] && [ "$(cat /proc/$p/comm 2>/dev/null)" = systemd ]; then break; fi
    [ -d /proc/$outer ] || { cat "$RUN/boot.log" >&2; exit 1; }
    sleep 0.05
  done
  echo "$p" > "$RUN/init.pid"; disown
  st=; for i in $(seq 600); do
    st=$(insert systemctl is-system-running 2>/dev/null || true)
    case $st in running|degraded) break;; esac; sleep 0.05
  done
  echo "$st, init pid $p"
  ;;
exec)   insert "$@" ;;
pid)    initpid ;;
stop)   alive && kill -s RTMIN+4 "$(initpid)" || true      # systemd: start poweroff.target
        for i in $(seq 400); do alive || break; sleep 0.05; done
        [ -e "$CG/cgroup.kill" ] && echo 1 > "$CG/cgroup.kill" || true; cleanup ;;
kill)   [ -e "$CG/cgroup.kill" ] && echo 1 > "$CG/cgroup.kill" || true; cleanup ;;
reset)  alive && { echo running; exit 1; }; rm -rf "$ROOT.up" ;;
reboot) "$0" stop "$ROOT"; "$0" start "$ROOT" ;;
esac
