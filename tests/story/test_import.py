"""Lists as people publish them: every row becomes an item, or is named as refused."""
import csv
import os
import pathlib
import re

import pytest

import stixkit
from test_stix import bundle_of

SHARED = pathlib.Path(os.environ.get("ISAC_SHARED", pathlib.Path(__file__).resolve().parents[2].parent / "shared")) / "data"


def counts(done):
    accepted, refused, duplicates = map(int, re.search(r"(\d+) items accepted.*; (\d+) refused, (\d+) duplicates", done.stderr).groups())
    return accepted, refused, duplicates


def test_columns_by_a_map(hub, alice, bob):
    text = "id\tIoC\tkind\tscore\tvalue\tseen\n1\tevil[.]example\tdomain\t70\tno\t2026-01-31\n2\t198.51.100.7\t\t5\tno\t\n3\t\t\t\t\t\n"
    done = alice.isac("publish", "--tlp", "green", "--map", "value=ioc,type=kind,confidence=Score,first_seen=seen", stdin=text, ok=(4,))
    assert counts(done) == (2, 1, 0) and "stdin:4: the row has no value" in done.stderr
    got = {r["value"]: (r["type"], r["confidence"], r["first_seen"]) for r in bob.json("query", "--wait")}
    assert got == {"evil.example": ("domain", 70, "2026-01-31T00:00:00Z"), "198.51.100.7": ("ipv4", 5, None)}
    for wrong, word in ((("--map", "what=ioc"), "no FIELD=COLUMN"), (("--map", "value=ioc", "--format", "plain"), "--map is for csv")):
        assert word in alice.isac("publish", "--tlp", "green", *wrong, stdin=text, ok=(2,)).stderr


def test_a_plain_list_with_comments(hub, alice, bob):
    alice.isac("publish", "--tlp", "green", stdin="# a list\n\n198.51.100.7\t5 # seen\n  evil.example\n#198.51.100.8\n")
    assert {r["value"] for r in bob.json("query", "--wait")} == {"198.51.100.7", "evil.example"}


def test_published_csv_files_come_in_and_go_out_as_valid_stix(hub, alice, bob):
    files = sorted((SHARED / "volexity").glob("*.csv"))
    if not files:
        pytest.skip("no shared data beside the project")
    for path in files:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as lines:
            rows = sum(any(cell.strip() for cell in row) for row in csv.reader(lines))
        done = alice.isac("publish", "--tlp", "clear", "--format", "csv", path, ok=(0, 1, 4))
        assert sum(counts(done)) >= rows - 1, (path, done.stderr)      # a row may hold several values; one row may be the header
    by = stixkit.check(bundle_of(bob))
    assert len(by["indicator"]) > 1000
