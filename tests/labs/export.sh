#!/bin/bash
# What `ostler export` writes, read by the engines' own rules: the golden files of crates/export.
#   export.sh CACHE [ROOT]     CACHE: a folder for the validators; ROOT: a debootstrap'd Debian with systemd (needs root)
# Needs python3 and PyPI the first time. Prints PASS at the end.
set -euo pipefail
CACHE=$(mkdir -p "$1" && realpath "$1"); ROOT=${2:+$(realpath "$2")}; cd "$(dirname "$(realpath "$0")")/../../crates/export/tests/it/golden"
W=$(mktemp -d /tmp/ostler-export.XXXXXX); trap 'rm -rf "$W"' EXIT
die() { echo "FAILED: $*" >&2; exit 1; }
if [ ! -e "$CACHE/made" ]; then
  python3 -m venv "$CACHE"
  "$CACHE/bin/pip" install --quiet kubernetes-validate python-hcl2 jsonschema pyyaml
  # The last release in Python carries the schema of Compose.
  "$CACHE/bin/pip" download --quiet --no-deps --dest "$CACHE" docker-compose==1.29.2
  touch "$CACHE/made"
fi

for version in 1.25 1.29 1.33 ''; do
  "$CACHE/bin/kubernetes-validate" --strict --quiet ${version:+--kubernetes-version "$version"} ./*.kubernetes.yaml || die "Kubernetes $version"
done
echo "Kubernetes: strictly valid in 1.25, 1.29, 1.33 and the newest"

"$CACHE/bin/python" - "$CACHE" <<'P' || die "Compose, Swarm, Nomad"
import glob, json, sys, zipfile
import hcl2, jsonschema, yaml
wheel, = glob.glob(sys.argv[1] + '/docker_compose-*.whl')
schema = json.loads(zipfile.ZipFile(wheel).read('compose/config/compose_spec.json'))
for file in sorted(glob.glob('*.compose.yaml') + glob.glob('*.swarm.yaml')):
    jsonschema.Draft7Validator(schema).validate(yaml.safe_load(open(file)))
print('Compose, Swarm: valid by the schema of Compose')
for file in sorted(glob.glob('*.nomad.hcl')):
    for job in open(file).read().split('# ---- ')[1:]:
        hcl2.loads('# ' + job)
print('Nomad: HCL that is read')
P

if [ -n "$ROOT" ]; then
  mkdir "$W/units"
  for file in *.systemd.units; do
    awk -v of="$W/units/${file%%.*}-" '/^# ---- / { name = of $3; next } { print > name }' "$file"
  done
  cat > "$W/verify.sh" <<'S'
set -eu
mount -t tmpfs layer "$1"; mkdir "$1/up" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/up,workdir=$1/work" "$1/root"
root=$1/root
mount -t proc proc "$root/proc"
for program in node python3; do [ -e "$root/usr/bin/$program" ] || cp /bin/true "$root/usr/bin/$program"; done
mkdir -p "$root/srv/shop/bin" "$root/srv/shop/logs"; cp /bin/true "$root/srv/shop/bin/tool"
cp "$3"/* "$root/etc/systemd/system/"
cd "$3"
# A template is verified as one of its units.
units=$(ls | sed 's/@\.service$/@1.service/')
chroot "$root" systemd-analyze verify $units 2>&1 | grep -E "$(ls | sed 's/\..*//; s/@//' | paste -sd'|')" && exit 1
exit 0
S
  mkdir "$W/layer"
  unshare --mount --fork --pid --kill-child sh "$W/verify.sh" "$W/layer" "$ROOT" "$W/units" || die "systemd-analyze verify"
  echo "systemd: $(ls "$W/units" | wc -l) units verified"
else
  echo "!!! SKIPPED: systemd-analyze verify"
fi
echo PASS
