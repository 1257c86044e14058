"""The benchmark of history still runs: what no test runs, rots. Its figures are for a quiet machine, its answers are for everybody."""
import re
import subprocess
import sys

import pytest
from hub import BIN, ROOT, SLOW


@pytest.mark.skipif(not (BIN / "isac_bench_history").exists(), reason="the load programs are not built here")
def test_a_small_history_is_filled_derived_and_asked():
    argv = [sys.executable, ROOT / "tests/bench/history.py", "--mentions", "20000", "--seconds", "0", "--drop"]
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=180 * SLOW, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    rows = {line.split("|")[1].strip(): line.split("|")[2:] for line in done.stdout.splitlines() if line.startswith("| ")}
    said = int(re.search(r"([0-9,]+) mentions: filled", done.stdout).group(1).replace(",", ""))
    assert 20000 <= said < 21000
    asked = [what for what in rows if re.match("exact|a network|a suffix|an hour|a mix|the same|a rare mix|RELATED|a month|a year|WHO|held list|what has ended", what)]
    assert len(asked) == 30, asked
    for what in asked:
        assert re.match(r" *[0-9]", rows[what][0]), f"{what}: {rows[what]}\n{done.stderr[-2000:]}"
