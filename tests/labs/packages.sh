#!/bin/bash
# Every package, installed from its file on something fresh, without a network, and used.
#   packages.sh PACKAGES VERSION [ROOT]     ROOT: a debootstrap'd Debian, for the deb (needs root)
# Needs node, npm, python3, dpkg, curl; rpm, makepkg and pacman, ruby, docker.io and busybox-static for what they read. Prints PASS at the end.
set -euo pipefail
HERE=$(dirname "$(realpath "$0")"); P=$(realpath "$1"); V=$2; ROOT=${3:-}
W=$(mktemp -d /tmp/ostler-packages.XXXXXX); t0=$(date +%s%N)
step() { printf '%3d.%02d s  %s\n' "$(( ($(date +%s%N) - t0) / 1000000000 ))" "$(( ($(date +%s%N) - t0) / 10000000 % 100 ))" "$*"; }
die() { echo "FAILED: $*" >&2; exit 1; }
is() { [ "$2" = "$3" ] || die "$1: \`$2\` instead of \`$3\`"; }
running=()
over() { for home in "${running[@]}"; do [ ! -S "$home/ostler.sock" ] || OSTLER_HOME=$home "$W/tree/bin/ostler" kill >/dev/null 2>&1 || true; done; [ ! -d "$W/engine" ] || "$HERE/dockerd.sh" stop "$W/engine" >/dev/null 2>&1 || true; rm -rf "$W"; }
trap over EXIT
unset PM2_HOME OSTLER_HOME

printf '#!/bin/sh\nwhile :; do sleep 1; done\n' > "$W/app.sh"
# COMMAND…: start, list, reload, kill, with a home of its own.
use() {
  local home; home=$(mktemp -d "$W/home.XXXX"); running+=("$home"); export OSTLER_HOME=$home
  is "version of $1" "$("$@" --version)" "ostler $V"
  "$@" start "$W/app.sh" --name app >"$W/out" 2>&1 || die "$* start: $(cat "$W/out")"
  is "$* list" "$("$@" list --json | grep -c '"online"')" 1
  "$@" reload app >"$W/out" 2>&1 || die "$* reload: $(cat "$W/out")"
  "$@" describe app >/dev/null || die "$* describe"
  "$@" kill >"$W/out" 2>&1 || die "$* kill: $(cat "$W/out")"
  [ ! -S "$home/ostler.sock" ] || ! "$@" ping --no-start >/dev/null 2>&1 || die "$* kill left a daemon"
  unset OSTLER_HOME
}
elapsed() { local begun; begun=$(date +%s%N); "$@" >"$W/log" 2>&1 || die "$*: $(cat "$W/log")"; echo $(( ($(date +%s%N) - begun) / 1000000 )); }
is_elf() { [ "$(head -c 4 "$1" | tail -c 3)" = ELF ]; }
npm_() { npm --offline --no-audit --no-fund --loglevel=error --cache "$W/npm-cache" "$@"; }

(cd "$P" && sha256sum --quiet -c SHA256SUMS) || die "checksums"
step "checksums"

sh "$P/install.sh" --from "$P" --to "$W/tree" >"$W/out" 2>&1 || die "install.sh: $(cat "$W/out")"
use "$W/tree/bin/ostler"
[ -f "$W/tree/share/man/man1/ostler.1" ] || die "no manual page"
sh "$P/install.sh" --from "$P" --to "$W/tree" >/dev/null || die "install.sh a second time"
mkdir "$W/bad"; cp "$P"/*.tar.gz "$W/bad"; sed 's/^....../000000/' "$P/SHA256SUMS" > "$W/bad/SHA256SUMS"
! sh "$P/install.sh" --from "$W/bad" --to "$W/none" >/dev/null 2>&1 || die "install.sh took an archive with a wrong checksum"
[ ! -e "$W/none" ] || die "install.sh wrote before it had checked"
"$W/tree/bin/ostler" --version --verbose | grep -q static || die "the program is not static"
if command -v ldd >/dev/null; then ! ldd "$W/tree/bin/ostler" 2>/dev/null | grep -q '=>' || die "the program needs libraries"; fi
step "install.sh and archive"

tarballs=("$P/ostler-$V.tgz" "$P"/ostler-pm-linux-*-"$V".tgz)
mkdir "$W/npm" "$W/npm-ignored" "$W/npm-global"
for folder in npm npm-ignored; do echo '{"private":true}' > "$W/$folder/package.json"; done
took=$(cd "$W/npm" && elapsed npm_ install --foreground-scripts "${tarballs[@]}")
is_elf "$(realpath "$W/npm/node_modules/.bin/ostler")" || die "npm: the shim is still in the way"
use "$W/npm/node_modules/.bin/ostler"
(cd "$W/npm" && npm_ rebuild >/dev/null) || die "npm rebuild"
use "$W/npm/node_modules/.bin/ostler"
step "npm: installed in $took ms, the program in the shim's place"
(cd "$W/npm-ignored" && npm_ install --ignore-scripts "${tarballs[@]}" >/dev/null)
! is_elf "$(realpath "$W/npm-ignored/node_modules/.bin/ostler")" || die "npm: scripts were not ignored"
use "$W/npm-ignored/node_modules/.bin/ostler"
rc=0; OSTLER_HOME=$W/home.none "$W/npm-ignored/node_modules/.bin/ostler" frobnicate >/dev/null 2>&1 || rc=$?
is "exit code of a misuse through the shim" "$rc" 2
step "npm --ignore-scripts: the shim works"
npm_ install -g --prefix "$W/npm-global" "${tarballs[@]}" >/dev/null
use "$W/npm-global/bin/ostler"
"$W/npm-global/bin/ostler" link-pm2 "$W/npm-global/bin" >/dev/null 2>&1 || die "link-pm2"
PM2_HOME=$W/pm2 "$W/npm-global/bin/pm2" --version >/dev/null || die "pm2 --version"
step "npm -g, and pm2 beside it"

python3 -m venv "$W/venv"
took=$(elapsed "$W/venv/bin/pip" install --quiet --no-index "$P"/*.whl)
use "$W/venv/bin/ostler"
"$W/venv/bin/pip" uninstall --quiet --yes ostler
[ ! -e "$W/venv/bin/ostler" ] || die "pip left the program"
step "wheel: installed in $took ms, used, removed"

if [ -n "$ROOT" ]; then
  # A layer above the machine, which stays as it was.
  mkdir "$W/layer"
  cat > "$W/on-debian.sh" <<'S'
set -eu
mount -t tmpfs layer "$1/layer"; mkdir "$1/layer/up" "$1/layer/work" "$1/layer/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/layer/up,workdir=$1/layer/work" "$1/layer/root"
root=$1/layer/root
mount -t proc proc "$root/proc"; mount -t tmpfs tmp "$root/tmp"; mount -t tmpfs run "$root/run"
cp "$3" "$root/tmp/ostler.deb"; cp "$1/app.sh" "$root/tmp/app.sh"
cat > "$root/tmp/try.sh" <<'T'
set -eu
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin OSTLER_CGROUP=off
dpkg -i /tmp/ostler.deb >/dev/null
[ "$(ostler --version)" = "ostler $1" ]
ostler start /tmp/app.sh --name app >/dev/null 2>&1
ostler list --json | grep -q '"online"'
ostler reload app >/dev/null 2>&1
ostler kill >/dev/null
zcat /usr/share/man/man1/ostler.1.gz >/dev/null
systemd-analyze verify ostler@root.service 2>/tmp/verify || true
! grep -i ostler /tmp/verify
dpkg -V ostler
dpkg -r ostler >/dev/null
[ ! -e /usr/bin/ostler ]
T
chroot "$root" /bin/sh -eu /tmp/try.sh "$4"
S
  unshare --mount --pid --fork --kill-child sh "$W/on-debian.sh" "$W" "$ROOT" "$P"/*.deb "$V" || die "the deb on Debian"
  step "deb: installed on Debian, used, unit verified, removed"
else
  mkdir -p "$W/dpkg"
  dpkg-deb -x "$P"/*.deb "$W/dpkg"; dpkg-deb -I "$P"/*.deb >/dev/null
  use "$W/dpkg/usr/bin/ostler"
  step "deb: unpacked and used"
fi
if command -v rpm >/dev/null && compgen -G "$P/*.rpm" >/dev/null; then
  mkdir "$W/rpm"; with=(--root "$W/rpm" --nodeps)
  rpm -K "$P"/*.rpm >"$W/out" 2>&1 || die "rpm -K: $(cat "$W/out")"
  rpm -i "${with[@]}" --noscripts "$P"/*.rpm 2>"$W/out" || die "rpm -i: $(cat "$W/out")"
  use "$W/rpm/usr/bin/ostler"
  rpm -V "${with[@]}" ostler 2>/dev/null || die "rpm -V"
  rpm -e "${with[@]}" --noscripts ostler 2>/dev/null || die "rpm -e"
  [ ! -e "$W/rpm/usr/bin/ostler" ] || die "rpm left the program"
  step "rpm: installed into a folder, used, verified, removed"
else
  echo "!!! SKIPPED: the rpm was not installed: there is no rpm"
fi

if [ "$(id -u)" = 0 ] && command -v pacman >/dev/null && command -v bsdtar >/dev/null; then
  # It is made by somebody who is not root.
  mkdir "$W/arch"; cp "$P/PKGBUILD" "$P"/ostler-"$V"-*-linux.tar.gz "$W/arch"
  chown -R nobody "$W/arch"; chmod 755 "$W"
  setpriv --reuid=nobody --clear-groups env HOME="$W/arch" PKGEXT=.pkg.tar.gz sh -c "cd '$W/arch' && makepkg --nodeps" >"$W/out" 2>&1 || die "makepkg: $(cat "$W/out")"
  db=$W/arch/root/var/lib/pacman; mkdir -p "$db"
  pacman -U --noconfirm --config /dev/null --noscriptlet --root "$W/arch/root" --dbpath "$db" --cachedir "$W/arch/cache" \
    "$W/arch"/ostler-bin-*.pkg.tar.gz >"$W/out" 2>&1 || die "pacman -U: $(cat "$W/out")"
  use "$W/arch/root/usr/bin/ostler"
  grep -q '^ExecStart="/usr/bin/ostler"' "$W/arch/root/usr/lib/systemd/system/ostler@.service" || die "the unit in the package of Arch Linux"
  for file in man/man1/ostler.1 licenses/ostler-bin/LICENSE-MIT bash-completion/completions/ostler; do
    compgen -G "$W/arch/root/usr/share/$file*" >/dev/null || die "no $file in the package of Arch Linux"
  done
  pacman -R --noconfirm --config /dev/null --noscriptlet --root "$W/arch/root" --dbpath "$db" ostler-bin >"$W/out" 2>&1 || die "pacman -R: $(cat "$W/out")"
  [ ! -e "$W/arch/root/usr/bin/ostler" ] || die "pacman left the program"
  step "PKGBUILD: built, installed into a folder, used, removed"
else
  echo "!!! SKIPPED: the PKGBUILD was not built: that needs root, makepkg and pacman"
fi
if command -v ruby >/dev/null; then
  # Homebrew's words, as far as the formula says any.
  cat > "$W/brew.rb" <<'R'
require 'digest'; require 'fileutils'
archive, tree, to = ARGV
class Place
  def initialize(path) = (@path = path; FileUtils.mkdir_p(path))
  def install(*files) = files.flatten.each { |file| raise "no #{file}" unless File.exist?(file); FileUtils.cp_r(file, @path) }
end
class Formula
  class << self
    attr_reader :said
    %i[desc homepage url sha256 license depends_on].each { |word| define_method(word) { |value| (@said ||= {})[word] = value } }
    def test = nil
  end
  { bin: 'bin', man1: 'share/man/man1', bash_completion: 'etc/bash_completion.d', zsh_completion: 'share/zsh/site-functions',
    fish_completion: 'share/fish/vendor_completions.d', doc: 'share/doc/ostler' }.each { |word, path| define_method(word) { Place.new("#{ARGV[2]}/#{path}") } }
end
require File.expand_path(ENV.fetch('FORMULA'))
raise "url #{Ostler.said[:url]}" unless File.basename(Ostler.said[:url]) == File.basename(archive)
raise "sha256 #{Ostler.said[:sha256]}" unless Digest::SHA256.file(archive).hexdigest == Ostler.said[:sha256]
Dir.chdir(tree) { Ostler.new.install }
R
  archive=$(ls "$P"/ostler-"$V"-*-linux.tar.gz); mkdir "$W/brew"; tar -xf "$archive" -C "$W/brew"
  FORMULA=$P/ostler.rb ruby -w "$W/brew.rb" "$archive" "$W/brew/ostler-$V" "$W/brew/cellar" >"$W/out" 2>&1 || die "the formula: $(cat "$W/out")"
  use "$W/brew/cellar/bin/ostler"
  step "formula of Homebrew: read, installed by a stand-in of brew, used"
else
  echo "!!! SKIPPED: the formula was not read: there is no ruby"
fi
if [ "$(id -u)" = 0 ] && [ -x /usr/bin/docker ] && command -v dockerd >/dev/null && [ -x /bin/busybox ]; then
  D=$W/engine; docker() { /usr/bin/docker -H "unix://$D/docker.sock" "$@"; }
  "$HERE/dockerd.sh" start "$D" || die "no engine starts"
  docker load -q -i "$P"/*.image.tar.gz >/dev/null || die "docker load"
  is "version in the image" "$(docker run --rm "ostler:$V" --version)" "ostler $V"
  # An app without anything else beside it.
  mkdir "$W/image"; cp /bin/busybox "$W/image/"
  printf 'FROM ostler:%s\nCOPY busybox /bin/busybox\nCMD ["run", "/bin/busybox", "--name", "app", "--", "sleep", "1000"]\n' "$V" > "$W/image/Dockerfile"
  docker build -q -t app "$W/image" >/dev/null || die "an image on top of it"
  docker run -d --name app1 --read-only --cap-drop ALL --user 23456 --health-interval 1s app >/dev/null
  healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' app1)" = healthy ]; }
  end=$(( $(date +%s) + 60 )); until healthy; do [ "$(date +%s)" -lt "$end" ] || die "the container does not become healthy: $(docker logs app1 2>&1)"; sleep 0.1; done
  docker exec app1 ostler reload app >/dev/null 2>&1 || die "reload in the container"
  is "list in the container" "$(docker exec app1 ostler list --json | grep -c '"online"')" 1
  docker stop app1 >/dev/null; is "exit code" "$(docker inspect -f '{{.State.ExitCode}}' app1)" 0
  step "image: loaded, an app on top of it is healthy, reloaded, stopped with 0"
else
  echo "!!! SKIPPED: the image was not loaded: that needs root, docker.io and busybox-static"
fi
echo PASS
