#!/bin/sh
# Fuzzes one target for a while: sh tests/fuzz/run.sh TARGET [SECONDS] [FOLDER OF THE fuzz BUILD]
# Seeds are made anew from proto/vectors and tests/data (seeds.py); what is found to be new is kept in FOLDER/corpus/TARGET for the
# next time. Exits 1 at a crash, a leak, a hang of 20 s or 1 GiB of memory, and says how to repeat it.
set -eu
cd "$(dirname "$0")/../.."
case "${1--h}" in -h|--help) sed -n '2,4s/^# //p' "$0"; exit 0 ;; esac
target=$1
seconds=${2:-60}
build=${3:-build/fuzz}
program=$build/bin/fuzz_$target
[ -x "$program" ] || { echo "fuzz: no $program: cmake --preset fuzz && cmake --build --preset fuzz" >&2; exit 2; }
corpus=$build/corpus/$target seeds=$build/seeds/$target crashes=$build/crashes/$target
mkdir -p "$corpus" "$seeds" "$crashes"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/fuzz/seeds.py "$target" "$seeds"
if "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 -verbosity=1 \
    -artifact_prefix="$crashes/" "$corpus" "$seeds" >"$crashes/log" 2>&1; then
    echo "fuzz $target: $(ls "$seeds" | wc -l) seeds, $(sed -n 's/^stat::number_of_executed_units: *//p' "$crashes/log") runs," \
        "$(sed -n 's/^stat::new_units_added: *//p' "$crashes/log") new, no crash"
else
    tail -n 80 "$crashes/log" >&2
    found=$(sed -n 's/.*Test unit written to //p' "$crashes/log" | tail -n 1)
    echo "fuzz $target: FAILED, repeat with: $program ${found:-(no input was written; see $crashes/log)}" >&2
    exit 1
fi
