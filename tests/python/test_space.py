"""Registered space and what concerns it (sections 7, 9, 10, 11), against a live hub."""
from isac1 import report
from isac1.messages import pb
from isac1.tables import VALUE_NUMBER as N
from test_live import admin, anna, enrol  # noqa: F401: fixtures


def test_space_is_confirmed_by_another_and_a_notice_says_what_concerns_it(anna, enrol, admin):
    other = enrol("other")
    claim = [("net", "198.51.100.0/24"), ("domain", "Bad.NET.")]
    rows = anna.client.control("space.claim", claim).rows
    assert {tuple(c.value for c in row.cells)[:4] for row in rows} == {("anna", "net", "198.51.100.0/24", "pending"), ("anna", "domain", "bad.net", "pending")}
    assert anna.client.control("space.confirm", [("member", "anna"), *claim]).code == 403
    assert other.client.control("space.confirm", [("member", "anna"), ("net", "198.51.100.0/25")]).code == 404
    assert other.client.control("space.confirm", [("member", "anna")]).code == 422
    assert other.client.control("space.confirm", [("member", "anna"), *claim]).code == 200
    assert other.client.control("space.list", [("member", "anna")]).code == 403
    assert other.client.control("space.claim", [("domain", "x.bad.net")]).code == 200 and anna.client.control("space.confirm", [("member", "other"), ("domain", "x.bad.net")]).code == 409
    for refused in (("net", "10.0.0.0/8"), ("net", "16.0.0.0/7"), ("asn", "64500"), ("domain", "co.uk"), ("net", "198.51.100.1/24")):
        assert anna.client.control("space.claim", [refused]).code == 422, refused
    with anna.feed() as line:
        opened = line.subscribe(filter="type = sha256", **{"from": pb.Subscribe.FROM_NOW})
        _, _, body = other.publish([report.indicator(N["domain"], "www.bad.net"), report.indicator(N["ipv4"], "203.0.113.1")])
        while not isinstance((got := line.next()[1]), pb.Notice):       # what comes between is checked: a notice changes neither place nor hash
            pass
        assert (got.sub, got.reports, got.newest_seq) == (opened.sub, 1, body.seq)
        line.until_heartbeat(body.seq)
    told = anna.client.request("STATUS", b"")
    assert (told.concern_reports, told.concern_newest_seq) == (1, body.seq)
    assert [e.seq for e in anna.client.request("QUERY", pb.Query(filter="mine", wait_seq=body.seq)).entries] == [body.seq]
    told = anna.client.request("STATUS", b"")
    assert (told.concern_reports, told.concern_newest_seq) == (0, 0)
