#!/bin/sh
# clang-tidy by .clang-tidy over the sources that users run: sh tests/tidy/clang.sh [FOLDER OF THE clang BUILD] [REGEX OF PATHS]
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build/clang}
said=$build/tidy.txt
[ -f "$build/compile_commands.json" ] || { echo "tidy: no $build: cmake --preset clang && cmake --build --preset clang" >&2; exit 2; }
status=0
run-clang-tidy-14 -quiet -j "$(nproc)" -p "$build" "$PWD/(broker|proto/wire|clients)/.*${2-}" >"$said" 2>/dev/null || status=$?
# One breach in a header is found in every file that includes it.
sed 's/\x1b\[[0-9;]*m//g' "$said" | grep -E "^/.*: (error|warning): " | sort -u
exit $status
