#!/bin/sh
# Every C file is as .clang-format says (Debian 12's clang-format 14). To mend: sh tests/tidy/format.sh --fix
set -eu
cd "$(dirname "$0")/../.."
mode="--dry-run -Werror"
[ "${1-}" != --fix ] || mode=-i
find broker clients proto tests -name '*.[ch]' -print0 | xargs -0 clang-format --style=file $mode
