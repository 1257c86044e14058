"""isac filter: an analyst tries a filter before any hub sees it. No hub runs here, and no home is needed."""
import json
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ISAC = os.path.join(os.environ.get("ISAC_BIN", os.path.join(ROOT, "build/release/bin")), "isac")


def isac(*args):
    return subprocess.run([ISAC, *args], capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})


def parts(text):
    done = isac("--json", "filter", "explain", text)
    assert done.returncode == 0, done.stderr
    return {part["part"]: (part["feed"], part["history"]) for part in json.loads(done.stdout)["parts"]}


def test_check_prints_the_normal_form():
    done = isac("filter", "check", 'TYPE in(IPv4, domain)  and VALID AT 2026-01-31 and state != Held')
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "type in (ipv4, domain) and valid at 2026-01-31T00:00:00Z and state != held\n"
    assert json.loads(isac("--json", "filter", "check", "sightings > 2").stdout) == {"filter": "sightings > 2", "history_only": True}


def test_check_marks_the_column_of_an_error():
    done = isac("filter", "check", 'tag = "bücher" and confidence >= 101')
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("isac: column 35: ")
    assert lines[1] == '  tag = "bücher" and confidence >= 101'
    assert lines[2].index("^") == lines[1].index("101") and "a number from 0 to 100" in lines[2]


def test_explain_names_the_index_of_each_part():
    found = parts('value in 203.0.113.0/24 and confidence >= 60 and not value contains "x"')
    assert found == {"value in 203.0.113.0/24": ("network", "index on indicator.addr"), "confidence >= 60": ("confirm", "compare row by row"),
                     'value contains "x"': ("confirm", "compare row by row")}
    assert parts("value under example.jp or value = evil.example or mine") == {
        "value under example.jp": ("suffix", "index on indicator.rdom"), 'value = "evil.example"': ("exact", "index on mention.key"),
        "mine": ("exact, network, suffix", "indexes on indicator.addr, indicator.rdom, mention.key")}
    assert [feed for feed, _ in parts('type = ipv4 and tag = "c2" and first_seen > 7d').values()] == ["bitmap", "bitmap", "confirm"]
    # one side that names nothing makes the whole broad
    assert [feed for feed, _ in parts("value = evil.example or tlp = clear").values()] == ["confirm", "bitmap"]
    assert parts("publishers >= 2")["publishers >= 2"][0] == "not in feeds"


def test_explain_is_a_table_for_people():
    done = isac("filter", "explain", "value = evil.example and valid")
    lines = done.stdout.splitlines()
    assert lines[0] == 'value = "evil.example" and valid'
    assert lines[2].split() == ["part", "in", "a", "feed", "in", "history"]
    assert lines[3].index("exact") == lines[4].index("confirm") == lines[2].index("in a feed")


def test_wrong_usage_is_2():
    assert isac("filter", "check").returncode == isac("filter", "explain", "mine", "true").returncode == isac("filter", "chek", "mine").returncode == 2
