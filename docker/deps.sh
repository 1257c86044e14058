#!/bin/sh
# Installs what is missing of the named groups of packages.txt: sh docker/deps.sh run build test
# As an ordinary user it asks sudo; where neither works it says what to install, and exits 1.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
[ $# -gt 0 ] || set -- run build

wanted=""
for group in "$@"; do
    wanted="$wanted $(awk -v g="$group" '$1 == g { print $2 }' "$here/packages.txt")"
done
missing=""
for package in $wanted; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then as_root=""
elif command -v sudo >/dev/null 2>&1; then as_root=sudo
else
    echo "deps: missing:$missing" >&2
    echo "deps: install them as root: apt-get install$missing" >&2
    exit 1
fi
echo "deps: installing:$missing" >&2
# Two runs may meet here: apt waits for the other's lock. Debian's PostgreSQL package would start a cluster of its own: not wanted.
$as_root mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" | $as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
export DEBIAN_FRONTEND=noninteractive
install() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y --no-install-recommends install $missing; }
$as_root apt-get -o DPkg::Lock::Timeout=300 -qq update >&2 || true
install >&2
