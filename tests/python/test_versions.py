"""Chains of reports (section 10, VERSIONS): what replaces what, by signed headers; and what `isac report` says of them."""
import json
import uuid

import hub as hubs
from isac1 import report
from isac1.messages import pb
from isac1.tables import VALUE_NUMBER as N
from test_live import admin, anna, enrol, error_of  # noqa: F401: fixtures


def supersedes(made):
    def change(header):
        header.supersedes = made if isinstance(made, bytes) else made.id
    return change


def item(n, **more):
    return report.indicator(N["ipv4"], f"198.51.100.{n}", **more)


def withdrawn(n):
    return pb.Item(withdrawal=pb.Withdrawal(type=N["ipv4"], value=f"198.51.100.{n}")).SerializeToString()


def test_a_chain_is_found_from_each_of_its_ends_and_says_what_changed(anna, enrol, hub):
    reader = enrol("reader", "subscriber")
    first, *_ = anna.publish([item(1, confidence_plus1=51), item(2)])
    second, *_ = anna.publish([item(1, confidence_plus1=91), item(3), withdrawn(2)], change=supersedes(first))
    third, _, body = anna.publish([item(1, confidence_plus1=91), item(3), item(4)], change=supersedes(second))
    mallory = enrol("mallory")
    assert mallory.client.publish(mallory.report([item(9)], change=supersedes(first))).code == 404       # another's report is replaced by nobody else
    got = reader.client.request("VERSIONS", pb.Versions(report_id=first.id, wait_seq=body.seq))
    assert [e.header for e in got.entries] == [first.header]
    assert [(later.publisher, later.report_id) for later in got.later if later.publisher == "anna"] == [("anna", second.id)]
    isac = hubs.Member(hub, "reader", reader.home.folder)
    changes = [["", "1"], ["", "2"], ["changed", "1"], ["removed", "2"], ["added", "3"], ["", "1"], ["", "3"], ["added", "4"]]
    for made in (first, second, third):
        rows = [json.loads(line) for line in isac.isac("--json", "report", uuid.UUID(bytes=made.id), "--wait").stdout.splitlines()]
        assert [[r["change"] or "", r["value"].rpartition(".")[2]] for r in rows] == changes
        assert {r["supersedes"] for r in rows[2:5]} == {str(uuid.UUID(bytes=first.id))} and {r["publisher"] for r in rows} == {"anna"}
    rows = [json.loads(line) for line in isac.isac("--json", "report", first.id.hex(), "--changes").stdout.splitlines()]
    assert [r["change"] for r in rows if r["change"]] == ["changed", "removed", "added", "added"]


def test_a_version_that_one_may_not_see_is_not_named(anna, enrol):
    reader, friend = enrol("reader", "subscriber"), enrol("friend", "subscriber")
    first, *_ = anna.publish([item(1)], tlp=pb.TLP_RED, recipients=["friend"], readers={"friend": friend.home.curve_public})
    hidden, _, body = anna.publish([item(1), item(2)], tlp=pb.TLP_RED, recipients=["friend"], change=supersedes(first),
                                    readers={"friend": friend.home.curve_public})
    ask = pb.Versions(report_id=first.id, wait_seq=body.seq)
    assert [later.report_id for later in friend.client.request("VERSIONS", ask).later] == [hidden.id]
    assert not reader.client.request("VERSIONS", ask).later
    nothing = reader.client.request("VERSIONS", pb.Versions(report_id=bytes(15) + b"1", wait_seq=body.seq))
    for made in (first, hidden):
        assert reader.client.request("VERSIONS", pb.Versions(report_id=made.id, wait_seq=body.seq)) == nothing


def test_wrong_questions_have_their_codes(anna):
    key = bytes(16)
    for name, ask, code in (("LOOKUP", pb.Lookup(wait_seq=0), 400), ("LOOKUP", pb.Lookup(keys=[b"x"]), 422), ("LOOKUP", pb.Lookup(keys=[key] * 1001), 413),
                            ("RELATED", pb.Related(type=99, value="x"), 422), ("RELATED", pb.Related(type=N["ipv4"], value="300.1.1.1"), 422),
                            ("VERSIONS", pb.Versions(report_id=b"x"), 422), ("STATISTICS", pb.Statistics(question=9), 422),
                            ("STATISTICS", pb.Statistics(publisher="anna"), 422), ("STATISTICS", pb.Statistics(question=1, since_us=-1), 422),
                            ("STATISTICS", pb.Statistics(question=1, since_us=5, until_us=5), 422),
                            ("STATISTICS", pb.Statistics(question=1, since_us=1), 413)):
        got = anna.client.request(name, ask)
        assert isinstance(got, pb.Error) and got.code == code, (name, ask, got)


def test_a_store_of_before_learns_what_replaces_what(anna, hub):
    """The migration reads signed headers; the two bytes that it looks for may stand elsewhere in them, too."""
    def change(header):
        header.supersedes, header.report_id = first.id, b"R\x10" * 8

    first, *_ = anna.publish([item(1)])
    anna.publish([item(1), item(2)], change=change)
    _, _, body = anna.publish([item(1), item(3)], change=supersedes(first))
    ask = pb.Versions(report_id=first.id, wait_seq=body.seq)
    before = anna.client.request("VERSIONS", ask)
    assert len(before.later) == 2
    hub.sql("DELETE FROM isac.supersession")
    assert not anna.client.request("VERSIONS", ask).later
    hub.sql("SET search_path = isac; " + (hubs.ROOT / "sql/migrations/0024-supersession.sql").read_text())
    assert anna.client.request("VERSIONS", ask) == before
