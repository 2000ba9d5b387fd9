#!/bin/sh
# Installs ostler @VERSION@ from its archive: into /usr/local as root, else into ~/.local.
#   install.sh [--to DIR] [--from DIR-OR-URL]
# Run again, it replaces what is there; `ostler update` then brings the running manager to the new version.
set -eu

version=@VERSION@
from=https://github.com/ostler-pm/ostler/releases/download/v$version
if [ "$(id -u)" = 0 ]; then to=/usr/local; else to=${HOME:?}/.local; fi

fail() { echo "error: $1" >&2; [ -z "${2:-}" ] || echo "hint: $2" >&2; exit 1; }
while [ $# -gt 0 ]; do
  case $1 in
    --to) to=${2:?"--to needs a folder"}; shift 2 ;;
    --from) from=${2:?"--from needs a folder or an address"}; shift 2 ;;
    *) fail "unknown argument \`$1\`" "install.sh [--to DIR] [--from DIR-OR-URL]" ;;
  esac
done

[ "$(uname -s)" = Linux ] || fail "ostler runs on Linux, and this is $(uname -s)"
case $(uname -m) in
  x86_64 | amd64) machine=x86_64 ;;
  aarch64 | arm64) machine=aarch64 ;;
  armv7*) machine=armv7 ;;
  *) fail "there is no archive for $(uname -m)" "cargo install --path crates/cli, in the repository" ;;
esac
archive=ostler-$version-$machine-linux.tar.gz

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in "$archive" SHA256SUMS; do
  case $from in
    http://* | https://*)
      if command -v curl >/dev/null; then curl -fsSL -o "$work/$file" "$from/$file"
      elif command -v wget >/dev/null; then wget -qO "$work/$file" "$from/$file"
      else fail "neither curl nor wget is there" "fetch $from/$archive and SHA256SUMS, and run this with --from DIR"; fi ;;
    *) cp "$from/$file" "$work/$file" ;;
  esac || fail "cannot get $from/$file"
done
(cd "$work" && grep " $archive\$" SHA256SUMS | sha256sum -c - >/dev/null 2>&1) ||
  fail "the checksum of $archive is not the one in SHA256SUMS" "nothing was installed; fetch both again"
tar -xzf "$work/$archive" -C "$work"

# A program that runs cannot be written to, but a new file can take its name.
(cd "$work/ostler-$version" && find . -type f) | while read -r file; do
  mkdir -p "$to/$(dirname "$file")"
  cp "$work/ostler-$version/$file" "$to/$file.new"
  mv "$to/$file.new" "$to/$file"
done
echo "ostler $version is in $to/bin"
case :$PATH: in
  *:"$to/bin":*) ;;
  *) echo "hint: add it to PATH: export PATH=\"$to/bin:\$PATH\"" ;;
esac
