"""Retention: whole partitions go; feeds name what went, queries know nothing of it, what is derived is made true."""
import json

import pytest

import hub as hubs
import wirekit as kit
from feedkit import UNLIMITED, Reader, pour, publisher, reports
from hub import BIN, Hub, run, until
from isac1.messages import pb
from isac1.tables import LIMIT

SPAN, COUNT = 1000, 2300            # reports 1..999 and 1000..1999 fill two partitions


@pytest.fixture(scope="module")
def small_spans(tmp_path_factory):
    """A hub folder whose store has partitions of a thousand reports."""
    folder = tmp_path_factory.mktemp("spans")
    folder.chmod(0o755)
    for part in folder.parents[:2]:
        part.chmod(0o755)
    run(BIN / "isacd", "init", "--data", folder / "hub", "--span", SPAN)
    return folder / "hub"


@pytest.fixture
def filled(small_spans, tmp_path):
    run("cp", "-a", small_spans, tmp_path / "hub")
    hub = Hub(tmp_path / "hub", UNLIMITED).start()
    client = publisher(hub)
    pour(client, reports(client.home, 0, COUNT, size=1000))      # three pages of catch-up
    until("indexed", lambda: hub.sql("SELECT min(seq) FROM (SELECT seq FROM isac.index_cursor UNION ALL SELECT seq FROM isac.indicator_cursor) x").strip() == str(COUNT))
    yield hub
    hub.finish()


def partitions(hub):
    return hub.sql("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relispartition AND relkind = 'r' AND relname ~ '_000[0-2]$'").split()


def gaps_from_start(hub, name):
    reader, gaps = Reader(kit.home_of(hub.enrol(name, "subscriber")), hub.feed_endpoint, **{"from": pb.Subscribe.FROM_START}), []
    while reader.position < COUNT:
        message = reader.take()
        if isinstance(message, pb.Gap):
            gaps.append((message.first_seq, message.last_seq, message.reason))
    reader.close()
    return gaps, reader.seqs


def test_what_would_go_is_said_and_stays(filled):
    rows = filled.admin.json("admin", "retention", "--dry-run", "--before", "2000")
    assert [(r["partition"], r["first_seq"], r["last_seq"]) for r in rows] == [("report_0000", "1", "999"), ("report_0001", "1000", "1999")]
    assert all(int(r["bytes"]) > 100_000 and r["newest"].endswith("Z") for r in rows)
    assert filled.admin.json("admin", "retention", "--dry-run", "--before", "1999")[-1]["last_seq"] == "999"     # wholly below, or not at all
    assert filled.admin.json("admin", "retention", "--dry-run", "--before", "30d") == []
    assert len(partitions(filled)) == 9 and gaps_from_start(filled, "bob") == ([], list(range(1, COUNT + 1)))
    done = filled.admin.isac("admin", "retention", ok=(1,))
    assert "retention_days" in done.stderr


def test_dropped_partitions_are_a_gap_and_the_rest_is_as_before(filled):
    bob = filled.enrol("bob", "subscriber")
    bob.isac("subscribe", "--name", "soc", "--from", "start", "--count", "10")
    assert len(filled.admin.json("admin", "retention", "--before", "2000")) == 2
    assert partitions(filled) == ["concern_0002", "mention_0002", "report_0002"]
    assert gaps_from_start(filled, "carol") == ([(1, 1999, 1)], list(range(2000, COUNT + 1)))        # also while the ring still has them
    resumed = bob.isac("--json", "subscribe", "--name", "soc", "--idle-exit", "2")
    assert "no longer exist on the hub (past their retention)" in resumed.stderr
    assert [json.loads(line)["seq"] for line in resumed.stdout.splitlines()] == list(range(2000, COUNT + 1))
    found = bob.json("query", "", "--limit", "0")
    assert [i["seq"] for i in found] == list(range(COUNT, 1999, -1))
    until("indicator is true again", lambda: filled.sql("SELECT count(*) FROM isac.indicator").strip() == str(COUNT - 1999))
    assert bob.json("query", 'value = "93.0.0.5"') == []
    assert "retention.run" in [e["verb"] for e in filled.admin.json("admin", "event", "list")]
    filled.stop()
    filled.start()                                                                                 # and from the store alone
    assert gaps_from_start(filled, "dave") == ([(1, 1999, 1)], list(range(2000, COUNT + 1)))
    assert [r["seq"] for r in filled.members["alice"].publish("198.51.100.77")] == [COUNT + 1]


def test_a_session_that_was_open_before_is_told_why(filled):
    """It waits for credit while what comes next is removed."""
    filled.stop()
    filled.start()                                                                                 # the ring has nothing to give
    slow = Reader(kit.home_of(filled.enrol("bob", "subscriber")), filled.feed_endpoint, credit=1, **{"from": pb.Subscribe.FROM_START})
    while not slow.seqs:
        slow.take()
    at = slow.position
    assert 0 < at < 1000
    assert len(filled.admin.json("admin", "retention", "--before", "2000")) == 2
    slow.feed.credit(slow.used)
    slow.credit, gaps = LIMIT["CREDIT_BYTES"] - 1, []        # it has one byte already
    slow.feed.credit(slow.credit)
    while slow.position < COUNT:
        message = slow.take()
        if isinstance(message, pb.Gap):
            gaps.append((message.first_seq, message.last_seq, message.reason))
    slow.close()
    last = max(seq for seq in slow.seqs if seq < 2000)                                              # of the page that was in hand
    assert gaps == [(last + 1, 1999, 1)] and slow.seqs == list(range(1, last + 1)) + list(range(2000, COUNT + 1))


def test_counts_are_of_what_is_left(filled):
    alice, erin = filled.members["alice"], filled.enrol("erin")
    alice.publish("93.0.0.7")
    erin.publish("93.0.0.7")
    until("indexed", lambda: len(erin.json("query", 'value = "93.0.0.7"')) == 3)
    filled.admin.isac("admin", "retention", "--before", "2000")
    count = lambda: filled.sql("SELECT mentions, first_seq, cardinality(publishers) FROM isac.indicator WHERE value = '93.0.0.7'").strip()
    until("made true", lambda: count() == f"2|{COUNT + 1}|2")


def test_days_are_kept_by_the_hub_itself(filled):
    filled.sql("UPDATE isac.report SET received = received - interval '3 days' WHERE seq < 1500")
    filled.stop()
    filled.settings.append("retention_days=2")
    filled.start()
    until("removed", lambda: len(partitions(filled)) == 6)
    assert "event=retention.removed first_seq=1 last_seq=999" in filled.log_text()
    assert gaps_from_start(filled, "bob") == ([(1, 999, 1)], list(range(1000, COUNT + 1)))


def test_a_dump_at_work_is_not_waited_for(filled):
    """Whoever reads at length makes retention give up, so that publishers are not queued behind both."""
    import subprocess
    folder = filled.folder / "pg"
    user = {"user": folder.stat().st_uid} if hubs.os.getuid() == 0 else {}
    fd = hubs.os.open(folder, hubs.os.O_RDONLY)
    dump = subprocess.Popen(["psql", "-XqAt", "-h", f"/proc/self/fd/{fd}", "-U", "postgres", "isac"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True, cwd="/", pass_fds=[fd], **user)
    dump.stdin.write("BEGIN; SELECT count(*) FROM isac.report;\n")
    dump.stdin.flush()
    assert dump.stdout.readline().strip() == str(COUNT)
    done = filled.admin.isac("admin", "retention", "--before", "2000", ok=(1, 3))
    assert "try again later" in done.stderr and len(partitions(filled)) == 9
    assert [r["code"] for r in filled.members["alice"].publish("198.51.100.77")] == [200]
    dump.stdin.close()
    assert dump.wait(10) == 0
    hubs.os.close(fd)
    assert len(filled.admin.json("admin", "retention", "--before", "2000")) == 2
