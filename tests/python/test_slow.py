"""STATISTICS may take long (section 10): what that means for the member who asks, for all others, and for a hub that is to stop."""
import contextlib

import pytest

import hub as hubs
from isac1.messages import pb
from test_live import Python

ASK = pb.Statistics(question=1)


@contextlib.contextmanager
def one_is_under_way(hub, member):
    """STATISTICS that does not come to an end by itself: its number."""
    as_it_was = hub.sql("select pg_get_functiondef('isac.seq_at(timestamptz)'::regprocedure)")
    hub.sql(as_it_was[:as_it_was.index("LANGUAGE")] + "VOLATILE LANGUAGE plpgsql AS 'begin perform pg_sleep(3600); return 1; end'")
    number = member.client.send("STATISTICS", ASK)
    hubs.until("it counts", lambda: hub.sql("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == "1\n")
    yield number
    if hub.proc:
        hub.sql(as_it_was)


@pytest.fixture
def ask(tmp_path):
    """A hub with these settings, and one who asks."""
    with contextlib.ExitStack() as last:
        def start(*settings):
            hub = hubs.make(tmp_path, settings).start()
            last.callback(hub.finish)
            return hub, Python(hub, "anna")
        yield start


def test_a_long_one_is_one_a_member_holds_up_nobody_and_ends_in_time(ask):
    hub, anna = ask("statistics_deadline_ms=3000")
    bert = Python(hub, "bert")
    with one_is_under_way(hub, anna) as first:
        second = anna.client.send("STATISTICS", ASK)
        head, got = anna.client.receive()
        assert (head.request_id, got.code) == (second, 429) and got.retry_after_ms
        assert anna.client.request("STATUS", b"").hub_id == bert.client.request("STATUS", b"").hub_id
        head, got = anna.client.receive()
        assert (head.request_id, got.code) == (first, 413) and "shorter span" in got.text
    assert isinstance(anna.client.request("STATISTICS", ASK), pb.StatisticsResult)
    for _ in range(20):                                          # who has the answer may ask again at once
        assert isinstance(anna.client.request("STATISTICS", ASK), pb.StatisticsResult)


def test_a_hub_that_is_to_stop_does_not_wait_for_it(ask):
    hub, anna = ask("statistics_deadline_ms=600000")
    with one_is_under_way(hub, anna):
        hub.stop()
    assert "event=child.killed" not in hub.log_text(), hub.log_text()
