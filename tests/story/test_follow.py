"""The life of what is reported: sightings, withdrawals and successors reach exactly those who were sent the original, and nobody else
learns of them; what was withdrawn leaves the lists; everything about it is made again from the reports alone.
"""
import datetime
import uuid

import wirekit as kit
from hub import SLOW, until
from isac1.client import Client
from isac1.messages import pb
from isac1.report import Report
from isac1.tables import VALUE_NUMBER
from test_who import Live, who


def withdrawn(lines):
    return [(x["type"], x["value"], x["about"]) for x in lines if x["kind"] == "withdrawal"]


def test_a_withdrawal_is_a_report_of_its_own(hub, alice, bob):
    first, = alice.publish("198.51.100.7", "evil.example", tlp="amber")
    took, = alice.json("withdraw", first["report_id"], "--reason", "wrong list")
    assert took["code"] == 200 and took["items"] == 2
    lines = bob.json("subscribe", "--from", "start", "--idle-exit", "1")
    assert withdrawn(lines) == [("ipv4", "198.51.100.7", first["report_id"]), ("domain", "evil.example", first["report_id"])]
    assert {(x["tlp"], x["about_publisher"], x["description"], x["verified"]) for x in lines if x["kind"] == "withdrawal"} == {("amber", "alice", "wrong list", True)}
    assert {(x["value"], x["ended"]) for x in bob.json("query", "kind = indicator")} == {("198.51.100.7", True), ("evil.example", True)}
    assert bob.json("query", "kind = indicator and withdrawals = 0") == []
    assert bob.isac("query", "", "--format", "nft").stdout.count("198.51.100.7") == 0


def test_one_value_is_withdrawn_and_the_rest_stands(hub, alice, bob):
    alice.publish("198.51.100.7", "198.51.100.8")
    alice.publish("198.51.100.7", "198.51.100.9")
    assert [r["items"] for r in alice.json("withdraw", "--value", "198.51.100.7")] == [1, 1]
    assert sorted(x["value"] for x in bob.json("query", "kind = indicator and withdrawals = 0")) == ["198.51.100.8", "198.51.100.9"]
    refused = alice.isac("withdraw", "--value", "198.51.100.7", ok=(1,))
    assert "no report of mine" in refused.stderr


def test_nobody_withdraws_what_another_reported(hub, alice, bob):
    first, = alice.publish("198.51.100.7")
    assert "404" in bob.isac("withdraw", first["report_id"], ok=(1,)).stderr
    assert bob.isac("withdraw", "--value", "198.51.100.7", ok=(1,)).returncode == 1


def test_sightings_say_what_they_are_about(hub, alice, bob):
    first, = alice.publish("198.51.100.7", args=("--confidence", "80"))
    alice.publish("198.51.100.9")
    assert bob.json("sighting", "198.51.100.7", "--count", "3", "--note", "at our edge")[0]["code"] == 200
    assert bob.json("sighting", "198.51.100.7", "--false-positive")[0]["code"] == 200
    seen = [x for x in alice.json("subscribe", "--from", "start", "--idle-exit", "1") if x["kind"] == "sighting"]
    assert [(x["publisher"], x["value"], x["about"], x["verdict"], x.get("count")) for x in seen] == [
        ("bob", "198.51.100.7", first["report_id"], "positive", 3), ("bob", "198.51.100.7", first["report_id"], "false-positive", None)]
    assert [x["value"] for x in alice.json("query", "kind = indicator and false_positives >= 1")] == ["198.51.100.7"]
    assert bob.isac("sighting", "203.0.113.77", ok=(1,)).stderr.count("no report") == 1


def test_a_withdrawal_reaches_exactly_those_who_were_sent_the_original(hub, alice, bob):
    """Filters that match the original and not the withdrawal, and the other way round; who joined later; who was sent a part."""
    carol, dave, erin = (hub.enrol(name, "subscriber") for name in ("carol", "dave", "erin"))
    sharp = 'confidence >= 60 or value = "203.0.113.250"'                # a withdrawal has no confidence: the filter alone would let none through
    lives = {("bob", "soc"): Live(bob, "--name", "soc", "--from", "start", "--filter", sharp),
             ("carol", ""): Live(carol, "--from", "start", "--filter", 'publisher = "alice" and type = domain and kind = indicator'),
             ("dave", "all"): Live(dave, "--name", "all", "--from", "start"),
             ("erin", ""): Live(erin, "--from", "start", "--filter", "type = sha256 or value = \"203.0.113.250\"")}
    first = alice.publish_jsonl([{"value": "198.51.100.7", "confidence": 80}, {"value": "198.51.100.8", "confidence": 10},
                                 {"value": "evil.example", "confidence": 5}])[0]
    for key in (("bob", "soc"), ("carol", ""), ("dave", "all")):
        lives[key].wait_for(first)
    late = Live(erin, "--name", "late", "--from", "now", "--filter", sharp)         # the same filter as bob's, and no original
    until("it is open", lambda: "late" in {s["name"] for s in erin.json("status")[0]["subscriptions"]})
    took, = alice.json("withdraw", first["report_id"])
    last = alice.publish("203.0.113.250")[0]
    for key in (("bob", "soc"), ("dave", "all"), ("erin", "")):
        lives[key].wait_for(last)
    late.wait_for(last)
    lives["carol", ""].wait_for(took)
    got = {key: sorted(value for _, value, about in withdrawn(live.lines) if about == first["report_id"]) for key, live in lives.items()}
    assert got == {("bob", "soc"): ["198.51.100.7"], ("carol", ""): ["evil.example"],
                   ("dave", "all"): ["198.51.100.7", "198.51.100.8", "evil.example"], ("erin", ""): []}
    assert withdrawn(late.lines) == []
    assert who(alice, took)[0] == {key: len(items) for key, items in got.items() if items}
    until("acknowledged", lambda: all(s["acked"] for s in alice.json("who", took["report_id"])[0]["sent"] if s["subscription"]))


def test_who_was_away_gets_it_when_he_is_back(hub, alice, bob):
    args = ("--name", "soc", "--filter", "confidence >= 60", "--idle-exit", "1")
    assert bob.json("subscribe", *args, "--from", "start") == []
    first, = alice.publish("198.51.100.7", args=("--confidence", "80"))
    second, = alice.publish("198.51.100.9", args=("--confidence", "80"))
    assert len(bob.json("subscribe", *args)) == 2
    alice.publish("198.51.100.10", args=("--confidence", "20"))
    alice.json("withdraw", first["report_id"])
    hub.stop()
    hub.start(hub.port)
    assert withdrawn(bob.json("subscribe", *args)) == [("ipv4", "198.51.100.7", first["report_id"])]
    assert bob.json("subscribe", *args) == []
    third, = alice.publish("198.51.100.11", args=("--confidence", "80"))            # report and withdrawal while he is away: one page brings both
    alice.json("withdraw", third["report_id"])
    assert [x["kind"] for x in bob.json("subscribe", *args)] == ["indicator", "withdrawal"]
    assert bob.json("why", second["report_id"])[0]["subscriptions"][0]["state"] == "sent"


def test_who_may_not_see_the_original_learns_nothing(hub, alice, bob):
    """RED to bob, and a group that carol left: bob's sighting reaches alice and bob, and nobody else by any way."""
    carol = hub.enrol("carol")
    red, = alice.publish("198.51.100.7", tlp="red", args=("--to", "bob"))
    seen, = bob.json("sighting", "198.51.100.7")
    assert [(x["publisher"], x["tlp"]) for x in alice.json("query", "kind = sighting")] == [("bob", "red")]
    assert carol.json("subscribe", "--from", "start", "--idle-exit", "1") == []
    assert carol.json("query", "") == []
    assert carol.isac("sighting", "198.51.100.7", ok=(1,)).returncode == 1
    hub.admin.isac("admin", "group", "add", "banks")
    for name in ("alice", "carol"):
        hub.admin.isac("admin", "group", "join", "banks", name)
    live = Live(carol, "--from", "start", "--filter", "confidence >= 60 or publisher = \"carol\"")
    banks, = alice.publish("198.51.100.20", args=("--group", "banks", "--confidence", "90"))
    live.wait_for(banks)
    hub.admin.isac("admin", "group", "leave", "banks", "carol")
    alice.json("withdraw", banks["report_id"])
    own, = carol.publish("203.0.113.5")
    live.wait_for(own)
    assert withdrawn(live.lines) == []


def test_a_successor_brings_the_difference(hub, alice, bob):
    first = alice.publish_jsonl([{"value": "198.51.100.7", "confidence": 80}, {"value": "198.51.100.8", "confidence": 80},
                                 {"value": "198.51.100.9", "confidence": 80}])[0]
    args = ("--name", "soc", "--filter", "confidence >= 60", "--idle-exit", "1")
    assert len(bob.json("subscribe", *args, "--from", "start")) == 3
    second = alice.publish_jsonl([{"value": "198.51.100.8", "confidence": 90}, {"value": "198.51.100.9", "confidence": 10},
                                  {"value": "198.51.100.10", "confidence": 70}, {"value": "198.51.100.11", "confidence": 20}],
                                 args=("--supersedes", first["report_id"]))[0]
    got = bob.json("subscribe", *args)
    assert {x["supersedes"] for x in got} == {first["report_id"]}
    assert [(x["kind"], x["value"], x["confidence"]) for x in got] == [
        ("indicator", "198.51.100.8", 90), ("indicator", "198.51.100.9", 10),        # changed: also what the filter would not take any more
        ("indicator", "198.51.100.10", 70), ("withdrawal", "198.51.100.7", None)]     # new, gone; .11 is not for this filter
    assert {x["value"] for x in bob.json("query", "kind = indicator and withdrawals = 0")} == {f"198.51.100.{n}" for n in (8, 9, 10, 11)}
    third = alice.publish_jsonl([{"value": "198.51.100.10", "confidence": 70}], args=("--supersedes", second["report_id"]))[0]
    assert sorted(v for _, v, _ in withdrawn(bob.json("subscribe", *args))) == ["198.51.100.8", "198.51.100.9"]     # .9 came by the chain alone
    assert who(alice, third)[0] == {("bob", "soc"): 3}


def test_a_successor_must_say_what_becomes_of_everything(hub, alice, bob):
    first, = alice.publish("198.51.100.7", "198.51.100.8")
    other = hub.enrol("mallory")
    said = alice.publish("198.51.100.7", "198.51.100.8", tlp="amber", args=("--supersedes", first["report_id"]), ok=(1,))
    assert said[0]["code"] == 422 and "label" in said[0]["error"]
    assert "404" in other.isac("publish", "--tlp", "green", "--supersedes", first["report_id"], stdin="198.51.100.7\n", ok=(1,)).stderr


def test_a_label_is_lowered_by_its_source_and_nobody_else(hub, alice, bob):
    """Red for bob, then amber for a group, then green for all: each successor reaches those who may see it from then on, and who had the one before."""
    carol, dave = hub.enrol("carol", "subscriber"), hub.enrol("dave", "subscriber")
    for command in (("add", "banks"), ("join", "banks", "alice"), ("join", "banks", "bob"), ("join", "banks", "carol")):
        hub.admin.isac("admin", "group", *command)
    values = ("198.51.100.7", "198.51.100.8")
    feed = ("--name", "soc", "--idle-exit", "1")
    first = alice.publish(*values, tlp="red", args=("--to", "bob", "--group", "banks"))[0]
    second = alice.publish(*values, tlp="amber", args=("--group", "banks", "--supersedes", first["report_id"]))[0]
    assert second["code"] == 200
    assert {(x["report_id"], x["tlp"]) for x in bob.json("subscribe", *feed, "--from", "start")} == {
        (first["report_id"], "red"), (second["report_id"], "amber")}
    assert {x["report_id"] for x in carol.json("subscribe", *feed, "--from", "start")} == {second["report_id"]}
    assert not dave.json("subscribe", *feed, "--from", "start")

    # Narrower, for others, or a part with the rest withdrawn: none of these.
    for tlp, args in (("red", ("--to", "bob", "--group", "banks")), ("amber+strict", ("--group", "banks"))):
        said = alice.publish(*values, tlp=tlp, args=(*args, "--supersedes", second["report_id"]), ok=(1,))[0]
        assert said["code"] == 422 and "shut out" in said["error"]
    part = alice.publish(values[0], tlp="green", args=("--supersedes", second["report_id"]), ok=(1,))[0]
    assert part["code"] == 422 and "never had" in part["error"]

    third = alice.publish(*values, tlp="green", args=("--supersedes", second["report_id"]))[0]
    assert {(x["report_id"], x["tlp"], x["supersedes"]) for x in dave.json("subscribe", *feed) } == {
        (third["report_id"], "green", second["report_id"])}
    # Who had the one before is told, whatever its filter is by now; and what was replaced has ended, the red one, too.
    assert third["report_id"] in {x["report_id"] for x in bob.json("subscribe", *feed, "--filter", "value = 203.0.113.1")}
    assert {x["report_id"] for x in dave.json("query", "true", "--wait")} == {third["report_id"]}
    assert [x["tlp"] for x in bob.json("query", "kind = indicator and withdrawals = 0 and value = 198.51.100.7")] == ["green"]
    assert hub.sql(f"SELECT count(*), count(ended_seq) FROM isac.mention WHERE seq = {first['seq']}").strip() == "1|1"


def test_what_is_said_about_reports_has_a_rate_of_its_own(make_hub):
    hub = make_hub("rate_feedback_per_s=2", "rate_feedback_burst=1")
    alice, bob = hub.enrol("alice"), hub.enrol("bob")
    reports = [alice.publish(f"198.51.100.{n}")[0] for n in range(1, 7)]
    assert hub.stat("intake.limited") == 0
    done = [bob.json("sighting", f"198.51.100.{n}")[0]["code"] for n in range(1, 7)]     # who is limited waits and sends again
    assert done == [200] * 6 and hub.stat("intake.limited") > 0
    assert all(r["code"] == 200 for r in reports)


# ---- what becomes of a value

def life(member, value):
    answer, = member.json("life", value, "--wait", ok=(0, 1))
    return answer


def test_the_states_of_a_value(hub, alice, bob):
    carol = hub.enrol("carol", "subscriber")
    first, = alice.publish("198.51.100.7", args=("--confidence", "80"))
    assert life(bob, "203.0.113.1")["state"] == "unknown"
    assert [life(bob, "198.51.100.7")[k] for k in ("state", "score", "confidence", "mentions", "publishers")] == ["active", 80, 80, 1, 1]
    bob.json("sighting", "198.51.100.7", "--false-positive")
    assert [life(alice, "198.51.100.7")[k] for k in ("state", "false_positive", "positive")] == ["disputed", 1, 0]
    carol.json("sighting", "198.51.100.7")
    carol.json("sighting", "198.51.100.7")                              # one member, one voice
    bob.json("sighting", "198.51.100.7")                                # and the newest of it counts
    assert [life(alice, "198.51.100.7")[k] for k in ("state", "false_positive", "positive")] == ["active", 0, 2]
    for member in (bob, carol, alice):
        member.json("sighting", "198.51.100.7", "--expired")
    assert life(alice, "198.51.100.7")["state"] == "expired"
    alice.json("withdraw", first["report_id"])
    assert [life(bob, "198.51.100.7")[k] for k in ("state", "score", "withdrawn")] == ["withdrawn", 0, 1]
    assert [x["state"] for x in bob.json("lookup", "198.51.100.7", "--wait")] == ["withdrawn"]
    alice.publish("8.8.8.8")
    assert life(alice, "8.8.8.8")["state"] == "held" and life(bob, "8.8.8.8")["state"] == "unknown"


def test_ages_are_settings_by_type(hub, alice, bob):
    """score = confidence * (1 - x ** (1 / speed)); a report that is 10 of 40 days old, by the hub's own table."""
    alice.publish("198.51.100.7", args=("--confidence", "80"))
    hub.admin.isac("admin", "life", "set", "ipv4", "--age", "40", "--speed", "0.5")
    assert [(r["age_days"], r["speed"]) for r in hub.admin.json("admin", "life", "list") if r["type"] == "ipv4"] == [("40", "0.50")]
    hub.sql("update isac.report set received = received - interval '10 days'")
    assert life(bob, "198.51.100.7")["score"] == 75                    # 80 * (1 - 0.25 ** 2)
    bob.json("sighting", "198.51.100.7")                                # seen again: its age begins anew
    assert life(bob, "198.51.100.7")["score"] == 80
    assert "403" in alice.isac("admin", "life", "set", "ipv4", "--age", "1", "--speed", "1", ok=(1,)).stderr
    for bad in (("ipv4", "--age", "0", "--speed", "1"), ("ipv4", "--age", "1", "--speed", "0"), ("nonsense", "--age", "1", "--speed", "1")):
        assert "422" in hub.admin.isac("admin", "life", "set", *bad, ok=(1,)).stderr


def test_what_others_may_not_see_does_not_show_in_it(hub, alice, bob):
    carol = hub.enrol("carol", "subscriber")
    alice.publish("198.51.100.7", args=("--confidence", "20"))
    alice.publish("198.51.100.7", tlp="red", args=("--to", "bob", "--confidence", "90"))
    bob.json("sighting", "198.51.100.7", "--publisher", "alice")         # of her newest report, the red one
    assert [life(carol, "198.51.100.7")[k] for k in ("confidence", "mentions", "positive")] == [20, 1, 0]
    assert [life(bob, "198.51.100.7")[k] for k in ("confidence", "mentions", "positive")] == [20, 1, 0]     # what is sealed is not the hub's to count


ROWS = """select md5(string_agg(m::text, ',' order by seq, item)), count(*), count(ended_seq), count(refreshed), count(verdict) from isac.mention m
          union all select md5(string_agg(i::text, ',' order by key)), count(*), 0, 0, 0 from isac.indicator i"""


def test_all_of_it_is_made_again_from_the_reports(hub, alice, bob):
    """Withdrawn, replaced, sighted: the tables are emptied and made anew in one run, and every row is as it was."""
    reports = [alice.publish(f"198.51.100.{n}", f"h{n}.example", args=("--confidence", str(n)))[0] for n in range(1, 30)]
    for n, report in enumerate(reports[:12]):
        if n % 3 == 0:
            alice.json("withdraw", report["report_id"])
        elif n % 3 == 1:
            alice.publish(f"198.51.100.{n + 1}", args=("--supersedes", report["report_id"]))
        else:
            bob.json("sighting", f"198.51.100.{n + 1}")
            bob.json("sighting", f"h{n + 1}.example", "--false-positive")
    assert bob.json("query", "kind = withdrawal", "--wait")
    before = hub.sql(ROWS)
    mentions, ended, refreshed, verdicts = map(int, before.splitlines()[0].split("|")[1:])
    assert (ended, refreshed, verdicts) == (16, 4, 8)
    hub.stop()
    hub.start(hub.port)
    hub.sql("truncate isac.mention, isac.indicator, isac.concern; update isac.index_cursor set seq = 0; update isac.indicator_cursor set seq = 0")
    hub.stop()
    hub.start(hub.port)
    alice.isac("query", "", "--wait")
    assert hub.sql(ROWS) == before


# ---- expiry

def in_seconds(n):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=n)).isoformat()


def expired(live):
    live.printed()
    return sorted((x["value"], x["report_id"]) for x in live.lines if x.get("expired"))


def test_expiry_is_an_event_in_the_feed(make_hub):
    """Of exactly those items that the filter takes, with the publisher's own signature; and of none that was withdrawn before."""
    hub = make_hub("expiry_ms=100")
    alice, bob = hub.enrol("alice"), hub.enrol("bob", "subscriber")
    carol = hub.enrol("carol", "subscriber")
    lives = [Live(bob, "--name", "soc", "--from", "start", "--filter", "type = ipv4"), Live(carol, "--from", "start")]
    end = in_seconds(3 * SLOW)
    first, = alice.publish_jsonl([{"value": "198.51.100.7", "valid_until": end}, {"value": "evil.example", "valid_until": end},
                                  {"value": "198.51.100.8"}])
    red, = alice.publish_jsonl([{"value": "198.51.100.66", "valid_until": end}], tlp="red", args=("--to", "bob"))
    gone, = alice.publish_jsonl([{"value": "198.51.100.67", "valid_until": end}])
    alice.json("withdraw", gone["report_id"])
    until("bob is told", lambda: len(expired(lives[0])) == 1)
    until("carol is told", lambda: len(expired(lives[1])) == 2)
    assert expired(lives[0]) == [("198.51.100.7", first["report_id"])]       # the hub knows no end of what is sealed
    assert red["report_id"] in {x["report_id"] for x in lives[0].lines}
    assert expired(lives[1]) == [("198.51.100.7", first["report_id"]), ("evil.example", first["report_id"])]
    assert all(x["verified"] for live in lives for x in live.lines)


def test_who_was_away_is_told_what_ended_meanwhile(make_hub):
    hub = make_hub("expiry_ms=100")
    alice, bob = hub.enrol("alice"), hub.enrol("bob", "subscriber")
    alice.publish("203.0.113.1")
    assert len(bob.json("subscribe", "--name", "soc", "--from", "start", "--idle-exit", "0.5")) == 1
    alice.publish_jsonl([{"value": "198.51.100.7", "valid_until": in_seconds(1)}])
    assert len([x for x in bob.json("subscribe", "--name", "soc", "--idle-exit", "0.2") if x["value"] == "198.51.100.7"]) >= 1
    until("it is over", lambda: alice.json("query", "state = expired", "--wait"))
    live = Live(bob, "--name", "soc")
    until("bob is told", lambda: [v for v, _ in expired(live)] == ["198.51.100.7"])


def test_default_ages_end_items_too_and_sightings_put_it_off(make_hub):
    """A list of addresses is written anew when they have reached the age of their type, that the hub alone knows."""
    hub = make_hub("expiry_ms=100")
    alice, bob = hub.enrol("alice"), hub.enrol("bob", "subscriber")
    alice.publish("198.51.100.7", "198.51.100.8", "evil.example")
    alice.publish("203.0.113.1")
    bob.json("sighting", "198.51.100.8")
    alice.isac("query", "", "--wait")
    path = hub.folder.parent / "list.nft"
    whole = bob.start("subscribe", "--from", "start", "--follow", "--format", "nft", "--output", path)
    live = Live(bob, "--from", "start")
    until("it is written", lambda: path.exists() and "198.51.100.7" in path.read_text())
    hub.sql("update isac.life_rule set age = interval '30 days'; "
            f"update isac.report set received = now() - interval '30 days' + interval '{SLOW} second' where seq = 1")
    until("it is told", lambda: [v for v, _ in expired(live)] == ["198.51.100.7", "evil.example"])
    until("it has left", lambda: "198.51.100.7" not in path.read_text())
    assert "203.0.113.1" in path.read_text() and "198.51.100.8" in path.read_text()
    whole.terminate()


# ---- hostile hands, by the protocol alone

def test_what_may_not_be_said_about_a_report(hub, alice, bob):
    """Each wrong in one way; the code is what README section 5 says, nothing of it is stored, and the right one goes in."""
    home = {m.name: kit.home_of(m) for m in (alice, bob, hub.enrol("mallory"))}
    first, = alice.publish("198.51.100.7", "evil.example")
    red, = alice.publish("198.51.100.9", tlp="red", args=("--to", "bob"))
    seen, = bob.json("sighting", "evil.example")
    ipv4, domain = VALUE_NUMBER["ipv4"], VALUE_NUMBER["domain"]

    def sighting(value, number=ipv4, verdict=pb.VERDICT_POSITIVE, **more):
        return pb.Item(sighting=pb.Sighting(type=number, value=value, verdict=verdict, **more)).SerializeToString()

    def withdrawal(value, number=ipv4):
        return pb.Item(withdrawal=pb.Withdrawal(type=number, value=value)).SerializeToString()

    def indicator(value, number=ipv4):
        return pb.Item(indicator=pb.Indicator(type=number, value=value)).SerializeToString()

    def send(who, items, tlp=pb.TLP_GREEN, readers=(), **fields):
        def change(header):
            for name, value in fields.items():
                setattr(header, name, value)
        with Client(home[who], hub.request_endpoint) as client:
            return client.publish(Report(home[who], items, tlp, change=change, readers={name: home[name].curve_public for name in readers})).code

    def about(receipt, kind, publisher="alice", **more):
        return {"kind": kind, "about": uuid.UUID(receipt["report_id"]).bytes, "about_publisher": publisher, **more}

    kinds = pb.KIND_SIGHTING, pb.KIND_WITHDRAWAL
    nothing = {"report_id": str(uuid.uuid4())}
    replaces = {"supersedes": uuid.UUID(first["report_id"]).bytes}
    for kind, item in zip(kinds, (sighting, withdrawal)):
        assert send("alice", [item("198.51.100.7")], **about(nothing, kind)) == 404
        assert send("alice", [item("198.51.100.8")], **about(first, kind)) == 422            # it does not hold that
        assert send("alice", [item("198.51.100.7", domain)], **about(first, kind)) == 422    # as another type
        assert send("alice", [item("198.51.100.7")], pb.TLP_CLEAR, **about(first, kind)) == 422
        assert send("alice", [item("198.51.100.7")], **{**about(first, kind), "about": b"short"}) == 422
    assert send("mallory", [withdrawal("198.51.100.7")], **about(first, pb.KIND_WITHDRAWAL)) == 403
    assert send("mallory", [withdrawal("198.51.100.7")], **about(first, pb.KIND_WITHDRAWAL, "mallory")) == 404
    assert send("mallory", [sighting("198.51.100.9")], pb.TLP_RED, ("alice", "bob"), **about(red, pb.KIND_SIGHTING)) == 404        # as if there were none
    assert send("mallory", [sighting("198.51.100.7")], **about(first, pb.KIND_SIGHTING, "nobody")) == 404
    assert send("mallory", [sighting("198.51.100.7", verdict=4)], **about(first, pb.KIND_SIGHTING)) == 422
    assert send("mallory", [sighting("198.51.100.7", first_seen_us=2, last_seen_us=1)], **about(first, pb.KIND_SIGHTING)) == 422
    assert send("mallory", [sighting("evil.example", domain)], **about(seen, pb.KIND_SIGHTING, "bob")) == 422  # feedback on feedback
    assert send("mallory", [indicator("198.51.100.7"), indicator("evil.example", domain)], **replaces) == 404       # not hers
    assert send("alice", [indicator("198.51.100.7")], **replaces) == 422                                            # and evil.example?
    assert send("alice", [indicator("198.51.100.7"), withdrawal("198.51.100.7")], **replaces) == 422
    assert send("alice", [indicator("198.51.100.7"), withdrawal("203.0.113.4"), withdrawal("evil.example", domain)], **replaces) == 422
    assert send("alice", [indicator("198.51.100.7"), withdrawal("evil.example", domain)], pb.TLP_AMBER, **replaces) == 422
    assert send("alice", [indicator("198.51.100.7"), withdrawal("evil.example", domain)]) == 422                    # it replaces nothing
    assert len(bob.json("query", "", "--wait")) == 4
    assert hub.sql("select count(*) from isac.report").strip() == "3"
    assert send("bob", [sighting("198.51.100.9")], pb.TLP_RED, ("alice", "bob"), **about(red, pb.KIND_SIGHTING)) == 200
    assert send("alice", [indicator("198.51.100.7"), withdrawal("evil.example", domain)], **replaces) == 200
    assert sorted(x["value"] for x in bob.json("query", "kind = indicator and withdrawals = 0", "--wait")) == ["198.51.100.7", "198.51.100.9"]
