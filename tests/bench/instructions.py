#!/usr/bin/python3
"""Instructions that one event costs in a set of standing filters, by callgrind: the same on every run, so a guard against slow drift.

    instructions.py [FILTERS...]        default: 10000 100000

fails if a size needs over 3 % more than is written here. "Hashing" is making hashes of values, names and networks, and finding a name's
number; the rest is the index. $ISAC_BIN names the programs. A better figure is a reason to lower the one below.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ISAC_BIN", ROOT / "build/release/bin"))
EVENTS = 20000
HASHING = {"filter_hash", "filter_plan_net_hash", "find_name", "hash_name", "see_texts", "__strlen_avx2", "__memcmp_avx2_movbe"}
LIMITS = {10000: 466, 100000: 524}     # beyond hashing


def measure(filters):
    """(all instructions an event, those beyond hashing)."""
    with tempfile.TemporaryDirectory(prefix="isac-instructions-") as folder:
        out = f"{folder}/out"
        subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--collect-atstart=no", "--toggle-collect=filter_set_match",
                        BIN / "isac_bench_match", "once", str(filters), str(EVENTS)], check=True, capture_output=True, text=True, timeout=1800)
        table = subprocess.run(["callgrind_annotate", "--threshold=100", "--auto=no", out], check=True, capture_output=True, text=True, timeout=60).stdout
    total = hashing = 0
    for count, name in re.findall(r"^ *([\d,]+) \( *[\d.]+%\) +\S+:(\S+)", table, re.M):
        count = int(count.replace(",", ""))
        total += count
        hashing += count if name.split(".")[0] in HASHING else 0
    return total / EVENTS, (total - hashing) / EVENTS


def main():
    failed = False
    for filters in [int(n) for n in sys.argv[1:]] or sorted(LIMITS):
        total, rest = measure(filters)
        limit = LIMITS.get(filters)
        over = limit is not None and rest > limit * 1.03
        failed = failed or over
        print(f"{filters:>9,} filters: {total:.0f} instructions an event, {rest:.0f} beyond hashing" +
              ("" if limit is None else f"; noted {limit}{': TOO MANY' if over else ''}"), flush=True)
    sys.exit(1 if failed else 0)


main()
