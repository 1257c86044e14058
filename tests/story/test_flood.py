"""Case 85: a member that sends more than its rate gets 429 and when to come again; nothing else changes for it or for others."""
import threading

import pytest

import wirekit as kit
from hub import until
from isac1 import report
from isac1.client import Client
from isac1.tables import VALUE_NUMBER

FLOOD = 1001


def reports(home, first, count, size=0):
    more = {"description": "d" * size} if size else {}
    return [report.Report(home, [report.indicator(VALUE_NUMBER["ipv4"], f"93.{n >> 8}.{n & 255}.5", **more)]) for n in range(first, first + count)]


def flood(client, made):
    """Sends all before it reads one reply; the replies by report."""
    by_id = {}
    for one in made:
        by_id[client.send("SUBMIT", one.submit)] = one
    got = []
    for _ in made:
        head, message = client.receive()
        got.append((by_id.pop(head.request_id), message))
    assert not by_id
    return got


def split(got):
    codes = {message.code for _, message in got}
    assert codes <= {200, 429}, codes
    return [g for g in got if g[1].code == 200], [g for g in got if g[1].code == 429]


def test_1001_requests_at_once(make_hub):                                        # 85
    """One report a minute's worth of rate and a burst of 50: 50 go in, 951 are told to wait."""
    hub = make_hub("rate_reports_per_s=1", "rate_burst=50")
    alice, bob = (kit.home_of(hub.enrol(name)) for name in ("alice", "bob"))
    with Client(alice, hub.request_endpoint) as client, Client(bob, hub.request_endpoint) as other:
        made = reports(alice, 1, FLOOD)
        got = flood(client, made)
        stored, limited = split(got)
        assert 50 <= len(stored) < 50 + 60, "the burst, and what the rate gives while the flood lasts"
        for one, message in limited:
            assert 0 < message.retry_after_ms <= 1000 and message.text and message.report_id == one.id and not message.body
        assert hub.stat("intake.limited") == len(limited) and hub.stat("intake.refused") == 0
        assert hub.stat("store.reports") == len(stored)
        assert other.publish(reports(bob, 5000, 1)[0]).code == 200                # its rate is its own
        again = until("let in again", lambda: (m := client.publish(limited[0][0])).code == 200 and m)       # the same bytes
        assert again.report_id == limited[0][0].id


def test_a_flood_of_bytes(make_hub):                                             # 85
    hub = make_hub("rate_bytes_per_min=20000")
    alice = kit.home_of(hub.enrol("alice"))
    with Client(alice, hub.request_endpoint) as client:
        made = reports(alice, 1, 40, size=1000)
        stored, limited = split(flood(client, made))
        size = made[0].submit.ByteSize()
        assert 20000 // size <= len(stored) <= 20000 // size + 1 + 20 and limited
        assert all(0 < message.retry_after_ms <= 60000 for _, message in limited)
        assert hub.stat("store.reports") == len(stored)


def test_refusals_count_against_the_rate(make_hub):
    """Who sends nonsense pays for it as for reports: no free work."""
    hub = make_hub("rate_reports_per_s=1", "rate_burst=20")
    alice = kit.home_of(hub.enrol("alice"))
    with Client(alice, hub.request_endpoint) as client:
        made = [kit.Cooked({"signature": {"hex": "00" * 64}}, alice) for _ in range(200)]
        codes = [message.code for _, message in flood(client, made)]
        assert 20 <= codes.count(401) < 60 and codes.count(401) + codes.count(429) == 200
        assert hub.stat("store.reports") == 0


@pytest.mark.parametrize("kind, body", [("STATUS", b""), ("DIRECTORY", b""), ("QUERY", b"\x0a\x04true")])
def test_a_flood_of_questions_leaves_others_served(make_hub, kind, body):
    hub = make_hub()
    alice, bob = (kit.home_of(hub.enrol(name)) for name in ("alice", "bob"))
    with Client(alice, hub.request_endpoint) as client, Client(bob, hub.request_endpoint) as other:
        sent = {client.send(kind, body) for _ in range(2000)}
        assert other.publish(reports(bob, 1, 1)[0]).code == 200                   # while they wait
        codes = set()
        for _ in range(len(sent)):
            head, message = client.receive()
            sent.remove(head.request_id)
            if hasattr(message, "retry_after_ms"):
                assert message.code in (429, 503) and message.retry_after_ms > 0
                codes.add(message.code)
        assert not sent


def test_honest_members_are_receipted_during_a_flood(make_hub):                    # L4
    hub = make_hub("rate_reports_per_s=20", "rate_burst=20")
    alice, bob = (kit.home_of(hub.enrol(name)) for name in ("alice", "bob"))
    done = threading.Event()
    codes = set()

    def pour():
        with Client(alice, hub.request_endpoint) as client:
            one = reports(alice, 1, 1)[0]
            while not done.is_set():
                codes.update(message.code for _, message in flood(client, [one] * 200))

    thread = threading.Thread(target=pour)
    thread.start()
    try:
        with Client(bob, hub.request_endpoint) as other:
            until("the flood is on", lambda: 429 in codes)
            assert [other.publish(one).code for one in reports(bob, 1000, 20)] == [200] * 20
    finally:
        done.set()
        thread.join()
    assert codes <= {200, 208, 429}
    assert hub.stat("store.reports") == 21
