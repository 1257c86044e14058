#!/bin/sh
# Measures isac against its yardsticks and prints the table: sh tests/bench/run.sh [--only ROW]... [--rounds N] [--scale X] [--write]
#   or: sh tests/bench/run.sh history [--mentions N] [--data FOLDER] ...: what questions about a year of history cost
# Uses the programs of $ISAC_BIN, or builds build/release. Needs nothing but this machine's loopback.
set -eu
cd "$(dirname "$0")/../.."
case "${1-}" in -h|--help) sed -n '2,4s/^# //p' "$0"; exit 0 ;; esac
if [ -z "${ISAC_BIN-}" ]; then
    sh docker/deps.sh run build test bench
    mkdir -p build
    cmake --preset release >build/release.log 2>&1 && cmake --build build/release -j "$(nproc)" >>build/release.log 2>&1 || { tail -n 40 build/release.log >&2; exit 1; }
    ISAC_BIN=$PWD/build/release/bin
fi
export ISAC_BIN PYTHONDONTWRITEBYTECODE=1
if [ "${1-}" = history ]; then shift; exec /usr/bin/python3 tests/bench/history.py "$@"; fi
exec /usr/bin/python3 tests/bench/run.py "$@"
