#!/bin/bash
# Hosts with a real sshd each, in namespaces: a network, processes, /root and /srv of their own; the rest of the machine's files is theirs too.
#   sshhosts.sh up DIR N          makes the hosts 10.78.0.1 to 10.78.0.N, and the key DIR/ctl/.ssh/id_ed25519 that opens them
#   sshhosts.sh cut DIR I         power cut of host I: everything in it dies at once; its files stay
#   sshhosts.sh boot DIR I        starts it again
#   sshhosts.sh in DIR COMMAND…   runs a command in their network, with /root of its own (DIR/ctl); what it leaves running ends in `down`
#   sshhosts.sh down DIR          ends all, and removes DIR
# Needs root, namespaces, openssh-server, iproute2. Names end with a mark of DIR: two labs do not meet.
set -euo pipefail
cmd=$1; D=$(realpath -m "$2"); shift 2; P=ol$(printf %s "$D" | cksum | cut -d' ' -f1); NET=$P-ctl
boot() {
  local h=$D/host$1
  # What runs there has no control groups: those of the machine would stay behind after a power cut.
  setsid ip netns exec "$P-$1" unshare --mount --uts --pid --ipc --fork --kill-child bash -c '
    h=$1; hostname "$2"; mount --make-rprivate /; mount -t proc proc /proc; mount --bind "$h/root" /root; mount --bind "$h/srv" /srv
    mount -t tmpfs -o mode=755 run /run; mkdir /run/sshd; [ ! -e "$h/passwd" ] || mount --bind "$h/passwd" /etc/passwd
    exec /usr/sbin/sshd -D -e -f "$h/sshd_config"' x "$h" "host$1" </dev/null >>"$h/sshd.log" 2>&1 &
  echo $! > "$h/pid"; disown
  for _ in $(seq 100); do ip netns exec "$NET" bash -c "</dev/tcp/10.78.0.$1/22" 2>/dev/null && return; sleep .05; done
  echo "host$1 does not answer" >&2; cat "$h/sshd.log" >&2; exit 1
}
# `unshare` ignores TERM; when it is killed, its namespace of processes goes with it.
cut() {
  local pid; pid=$(cat "$D/host$1/pid"); kill -KILL "$pid" 2>/dev/null || true
  while [ -d "/proc/$pid" ]; do sleep .05; done
}
case $cmd in
up)
  mkdir -p "$D/ctl/.ssh"; chmod 700 "$D/ctl/.ssh"; ssh-keygen -q -t ed25519 -N '' -f "$D/ctl/.ssh/id_ed25519"
  ip netns add "$NET"; ip -n "$NET" link add br0 type bridge; ip -n "$NET" addr add 10.78.0.254/24 dev br0
  ip -n "$NET" link set br0 up; ip -n "$NET" link set lo up
  for i in $(seq "$1"); do
    h=$D/host$i; mkdir -p "$h/root/.ssh" "$h/srv"; chmod 700 "$h/root" "$h/root/.ssh"; cp "$D/ctl/.ssh/id_ed25519.pub" "$h/root/.ssh/authorized_keys"
    ssh-keygen -q -t ed25519 -N '' -f "$h/hostkey"; echo "10.78.0.$i $(cat "$h/hostkey.pub")" >> "$D/ctl/.ssh/known_hosts"
    echo "[10.78.0.$i]:2222 $(cat "$h/hostkey.pub")" >> "$D/ctl/.ssh/known_hosts"
    printf '%s\n' "ListenAddress 10.78.0.$i:22" "ListenAddress 10.78.0.$i:2222" "HostKey $h/hostkey" 'PidFile none' 'PasswordAuthentication no' 'UsePAM no' \
      'PermitRootLogin prohibit-password' "SetEnv OSTLER_CGROUP=off PATH=$D/bin:/usr/local/bin:/usr/bin:/bin" > "$h/sshd_config"
    ip netns add "$P-$i"; ip -n "$P-$i" link set lo up; ip link add eth0 netns "$P-$i" type veth peer name "v$i" netns "$NET"
    ip -n "$NET" link set "v$i" master br0 up; ip -n "$P-$i" addr add "10.78.0.$i/24" dev eth0; ip -n "$P-$i" link set eth0 up
    boot "$i"
  done
  for i in $(seq "$1"); do cp "$D/ctl/.ssh/known_hosts" "$D/host$i/root/.ssh/"; done ;;
cut) cut "$1" ;;
boot) boot "$1" ;;
in)
  exec ip netns exec "$NET" unshare --mount bash -c '
    mount --make-rprivate /; mount --bind "$1" /root; shift; exec "$@"' x "$D/ctl" "$@" ;;
down)
  for h in "$D"/host*; do cut "${h##*/host}"; ip netns del "$P-${h##*/host}" || true; done
  for pid in $(ip netns pids "$NET"); do kill -KILL "$pid" 2>/dev/null || true; done
  ip netns del "$NET" || true; rm -rf "$D" ;;
esac
