#!/bin/sh
# Builds isac and runs all its tests: sh tests/run.sh [--quick] [ctest arguments]
# Installs what is missing, builds in build/ of this checkout (or $ISAC_BUILD), ends in ctest's summary and the longest tests.
# --quick: the release build and `ctest -L unit` only. tests/README.md says what there is and how long it takes.
set -eu
cd "$(dirname "$0")/.."
quick=no
case "${1-}" in
    -h|--help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
    --quick) quick=yes; shift ;;
esac
sh docker/deps.sh run build test fault
root=${ISAC_BUILD:-$PWD/build}
jobs=$(nproc)

# One folder of builds belongs to one run at a time; a second run at the same time waits for its turn to build.
mkdir -p "$root"
exec 9>"$root/.lock"
flock 9

build() { # preset
    from=$(date +%s)
    cmake --preset "$1" -B "$root/$1" >"$root/$1.log" 2>&1 || { cat "$root/$1.log" >&2; exit 1; }
    cmake --build "$root/$1" -j "$jobs" >>"$root/$1.log" 2>&1 || { tail -n 60 "$root/$1.log" >&2; exit 1; }
    echo "run: built $1 in $(($(date +%s) - from)) s"
}
if [ "$quick" = no ]; then
    for preset in asan tsan clang fuzz; do build "$preset"; done
fi
build release           # last: it adds the tests that need the others
flock -u 9
exec 9>&-               # what the tests start must not hold it
cd "$root/release"
if [ "$quick" = yes ]; then exec ctest -L unit --output-on-failure -j "$jobs" "$@"; fi
status=0
said=$root/ctest.$$.log
ctest --output-on-failure -j "$jobs" -O "$said" "$@" || status=$?
echo "run: the longest tests (seconds):"
sed -n 's/^ *[0-9]*\/[0-9]* Test *#[0-9]*: \([^ ]*\) .* \([0-9.]*\) sec.*/\2 \1/p' "$said" | sort -rn | head -n 8 | sed 's/^/run:   /'
rm -f "$said"
exit "$status"
