"""TLP:RED is sealed to its recipients: the hub keeps and forwards what it cannot read, and refuses what is not sealed as it should be."""
import pathlib
import secrets

import pytest

import wirekit as kit
from hub import BIN, Member, run, until
from isac1 import feed as feeds, merkle, report, sealed
from isac1.client import Client, Feed
from isac1.messages import pb
from isac1.scan import Refused
from isac1.tables import VALUE_NUMBER


@pytest.fixture
def carol(hub):
    return hub.enrol("carol", "subscriber")


def read(member, *args):
    return [i["value"] for i in member.json("subscribe", "--from", "start", "--idle-exit", "0.3", *args)]


def test_recipients_read_it_and_so_does_its_publisher(hub, alice, bob, carol):
    receipt, = alice.publish("198.51.100.7", "evil.example", tlp="red", args=("--to", "bob", "--group", "desk"), ok=(1,))
    assert receipt["code"] == 422                                           # sealed or not, the other rules hold
    receipt, = alice.publish("198.51.100.7", "evil.example", tlp="red", args=("--to", "bob"))
    assert receipt["code"] == 200 and receipt["items"] == 2
    for member in (alice, bob):
        items = member.json("subscribe", "--from", "start", "--idle-exit", "0.3")
        assert [(i["value"], i["tlp"], i["verified"], i["publisher"]) for i in items] == [("198.51.100.7", "red", True, "alice"),
                                                                                          ("evil.example", "red", True, "alice")]
        until("in history", lambda: len(member.json("query", "tlp = red")) == 2)
    assert read(carol) == [] and carol.json("query", "true") == []


def test_a_filter_does_not_keep_it_out(hub, alice, bob):
    """Nobody but its readers can tell whether it matches: feeds bring it live and behind, and say so when asked why."""
    live = bob.start("subscribe", "--from", "now", "--filter", "value = 203.0.113.99 and confidence >= 90", "--count", "1")
    until("open", lambda: hub.stat("feed.sessions") == 1)
    alice.publish("203.0.113.5")
    receipt, = alice.publish("198.51.100.7", tlp="red", args=("--to", "bob"))
    out, err = live.communicate(timeout=60)
    assert '"198.51.100.7"' in out, err
    assert read(bob, "--filter", "type = md5") == ["198.51.100.7"]
    assert [n["value"] for n in bob.json("preview", "type = md5", "--items", "9")[0]["newest"]] == ["198.51.100.7"]
    sent = alice.json("who", receipt["report_id"])[0]["sent"]
    assert {s["member"] for s in sent} == {"bob"} and all(s["items"] == 1 for s in sent)
    assert bob.json("why", receipt["report_id"])[0]["seq"] == receipt["seq"]
    # History goes by what its header says; what its items say it does not know.
    until("in history", lambda: bob.json("query", "publisher = alice and tlp = red"))
    assert bob.json("query", "value = 198.51.100.7") == [] and bob.json("query", "type = ipv4 and tlp = red") == []


def test_nothing_of_it_lies_with_the_hub(hub, alice, bob):
    """Not in a dump, not in the files of database and log, not in the hub's own folder."""
    word = secrets.token_hex(12)
    bob.start("subscribe", "--name", "soc", "--from", "start", "--follow")
    one = {"type": "domain", "value": f"{word}.example", "raw": f"hxxp://{word}.example", "description": f"seen by {word}", "tags": [word]}
    alice.publish_jsonl([one], tlp="red", args=("--to", "bob"))
    alice.publish_jsonl([{**one, "value": f"green-{word}.example"}], tlp="green")          # the search does find what lies there
    until("delivered", lambda: hub.stat("feed.delivered") == 2 and len(bob.json("query", "true")) == 2)
    hub.sql("CHECKPOINT")
    dump = hub.sql("SELECT encode(header, 'escape'), encode(payload, 'escape') FROM report WHERE tlp = 5") + hub.sql("SELECT * FROM indicator WHERE type = 0")
    assert dump and word not in dump
    found = [path for path in hub.folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]
    assert found                                                            # the green one
    hub.sql("DELETE FROM report WHERE tlp = 2; DELETE FROM mention WHERE type <> 0; DELETE FROM indicator WHERE type <> 0")
    for table in ("report", "mention", "indicator", "audience", "report_key", "concern", "feed_range", "subscription", "admin_event"):
        rows = hub.sql(f"SELECT t::text FROM {table} t")
        assert word not in rows and word.encode().hex() not in rows, table
    assert word not in hub.log_text()


def make(home, readers, recipients=("bob",), change=None, tlp=pb.TLP_RED, items=None):
    items = items or [report.indicator(VALUE_NUMBER["ipv4"], "198.51.100.7")]
    return report.Report(home, items, tlp=tlp, recipients=list(recipients), readers=readers, change=change)


def replaced(made, home, payload, rehash=True):
    """The same report with another payload; rehash: signed for it, as a careless publisher would."""
    header = pb.Header.FromString(made.header)
    if rehash:
        header.sealed = merkle.H(payload)
    data = header.SerializeToString()
    return pb.Submit(member=home.name, header=data, signature=kit.sign.sign(home.seed, "report", home.hub.hub_id, data), payload=payload)


def test_what_is_not_sealed_as_it_should_be_is_refused(hub, alice, bob, carol):
    a, b, c = map(kit.home_of, (alice, bob, carol))
    both = {"alice": a.curve_public, "bob": b.curve_public}
    with Client(a, hub.request_endpoint) as client:
        code = lambda submit: client.request("SUBMIT", submit).code
        assert code(make(a, both).submit) == 200
        assert code(make(a, {"bob": b.curve_public}).submit) == 200                     # its publisher need not read it
        assert code(make(a, {**both, "carol": c.curve_public}, ["bob", "carol", "bob"]).submit) == 200
        assert code(make(a, None).submit) == 422                                        # in clear
        assert code(make(a, both, (), tlp=pb.TLP_GREEN).submit) == 422                  # sealed, and not red
        assert code(make(a, both, ["bob", "carol"]).submit) == 422                      # carol could not read it
        assert code(make(a, {**both, "carol": c.curve_public}).submit) == 422           # carol is not named
        assert code(make(a, both, change=lambda h: setattr(h, "sealed", bytes(31))).submit) == 422
        assert code(make(a, both, change=lambda h: setattr(h, "sealed", bytes(32))).submit) == 401
        assert code(make(a, both, change=lambda h: setattr(h, "item_count", 0)).submit) == 422
        assert code(make(a, both, change=lambda h: setattr(h, "item_count", 1001)).submit) == 422
        assert code(make(a, both, change=lambda h: setattr(h, "items_root", b"x")).submit) == 422
        good = make(a, both)
        payload = pb.SealedPayload.FromString(good.submit.payload)
        short = pb.SealedPayload(body=payload.body, keys=[pb.SealedKey(member=k.member, box=k.box[:-1]) for k in payload.keys])
        twice = pb.SealedPayload(body=payload.body, keys=[*payload.keys, payload.keys[1]])
        empty = pb.SealedPayload(body=payload.body[:16], keys=payload.keys)
        for bad, expected in ((short, 422), (twice, 422), (empty, 422), (pb.SealedPayload(keys=payload.keys), 422)):
            assert code(replaced(good, a, bad.SerializeToString())) == expected
        assert code(replaced(good, a, b"\xff\xff")) == 400
        assert code(replaced(good, a, good.submit.payload + b"\x18\x01")) == 400        # an unknown field
        assert code(replaced(good, a, short.SerializeToString(), rehash=False)) == 401
    assert read(bob) == ["198.51.100.7"] * 3 and read(carol) == ["198.51.100.7"]


def test_readers_refuse_what_does_not_hold(hub, alice, bob):
    """The hub cannot check what is inside; its recipient does, with the program and with the second implementation."""
    a, b = map(kit.home_of, (alice, bob))
    both = {"alice": a.curve_public, "bob": b.curve_public}
    other = kit.home_of(hub.enrol("mallory"))

    def spoiled(payload=None, readers=both, borrowed=None):
        """Seals another payload than the header counts, or borrows a body that was sealed for another report."""
        def change(header):
            data = borrowed or sealed.seal(payload.SerializeToString(), header, readers)
            header.sealed, spoiled.data = merkle.H(data), data
        made = make(a, both, change=change)
        made.submit.payload = spoiled.data
        return made.submit

    items = [report.indicator(VALUE_NUMBER["ipv4"], "198.51.100.9")]
    secret = secrets.token_bytes(32)
    bad = [spoiled(pb.Payload(secret=secret, items=items)),                             # other items than the header commits to
           spoiled(pb.Payload(secret=secret, items=items * 2)), spoiled(pb.Payload(secret=secret[:31], items=items)),
           spoiled(pb.Payload(secret=secret)), spoiled(pb.Payload(secret=secret, items=items), {**both, "bob": other.curve_public}),
           spoiled(borrowed=make(a, both).submit.payload)]
    with Client(a, hub.request_endpoint) as client:
        codes = [client.request("SUBMIT", submit).code for submit in bad]
        assert codes == [200] * len(bad)
    alice.publish("198.51.100.7", tlp="red", args=("--to", "bob"))
    done = run(*bob.argv("--json", "subscribe", "--from", "start", "--idle-exit", "0.3"), ok=(0, 1, 4))
    assert "198.51.100.9" not in done.stdout and '"198.51.100.7"' in done.stdout
    assert done.stdout.count('"verified":false') + done.stderr.count("seq") >= len(bad), done.stderr
    with Client(b, hub.request_endpoint) as client:
        ring = client.keyring()
    with Feed(b, hub.feed_endpoint) as feed:
        feed.subscribe(**{"from": pb.Subscribe.FROM_START})
        entries, _ = feed.until_heartbeat(len(bad) + 1)
    for entry in entries[:-1]:
        with pytest.raises(Refused):
            feeds.check_entry(entry, ring, b)
    assert feeds.check_entry(entries[-1], ring, b)[1][0].indicator.value == "198.51.100.7"
    with pytest.raises(Refused):
        feeds.check_entry(entries[-1], ring, other)                                     # whoever got hold of it


def test_readers_hold_sealed_values_to_the_rules(hub, alice, bob, tmp_path):
    """Nobody can have me block everything, or a resolver, by naming me in a red report."""
    a, b = map(kit.home_of, (alice, bob))
    cidr, ipv4 = VALUE_NUMBER["cidr"], VALUE_NUMBER["ipv4"]
    with Client(a, hub.request_endpoint) as client:
        for item in (report.indicator(cidr, "0.0.0.0/0"), report.indicator(ipv4, "127.0.0.1"), report.indicator(ipv4, "8.8.8.8"),
                     report.indicator(ipv4, "203.0.113.7", tags=["x" * 200]), report.indicator(ipv4, "203.0.113.8")):
            assert client.request("SUBMIT", make(a, {"bob": b.curve_public}, items=[item]).submit).code == 200
    done = run(*bob.argv("--json", "subscribe", "--from", "start", "--idle-exit", "0.3"), ok=(0, 1, 4))
    rows = [kit.json.loads(line) for line in done.stdout.splitlines()]
    assert [(r["value"], r.get("held", False)) for r in rows if r.get("verified")] == [("8.8.8.8", True), ("203.0.113.8", False)]
    assert (done.stdout + done.stderr).count("breaks the rules") >= 3
    out = tmp_path / "block.nft"
    run(*bob.argv("subscribe", "--from", "start", "--idle-exit", "0.3", "--format", "nft", "--output", out), ok=(0, 1, 4))
    text = out.read_text() if out.exists() else ""
    assert "203.0.113.8" in text and "8.8.8.8" not in text and "0.0.0.0" not in text and "127.0.0.1" not in text


def test_a_recipient_without_a_certified_key_is_told_of(hub, alice):
    done = alice.isac("publish", "--tlp", "red", "--to", "nobody", "--format", "plain", stdin="198.51.100.7\n", ok=(1,))
    assert "nothing can be sealed to nobody" in done.stderr
    done = alice.isac("publish", "--tlp", "red", "--to", "admin", "--format", "plain", stdin="198.51.100.7\n", ok=(1,))
    assert "nothing can be sealed to admin" in done.stderr
    assert pathlib.Path(alice.home).exists() and hub.stat("store.reports") == 0


def test_who_joined_by_an_invitation_is_sealed_to_by_its_own_key(hub, alice):
    """And not before: the invitation's key is known to the admin that made it, too."""
    invitation = hub.folder.parent / "bob.invitation"
    hub.admin.isac("admin", "member", "invite", "bob", "--role", "subscriber", "--output", invitation)
    send = lambda ok: alice.isac("publish", "--tlp", "red", "--to", "bob", "--format", "plain", stdin="198.51.100.7\n", ok=ok)
    assert "nothing can be sealed to bob" in send((1,)).stderr
    bob = Member(hub, "bob", hub.folder.parent / "home-bob")
    bob.isac("join", invitation)
    send((0,))
    assert read(bob) == ["198.51.100.7"]


def test_it_is_recalled_and_erased_like_any_other(hub, alice, bob, carol):
    """The hub knows whom it sent it to; its content is one ciphertext, which goes."""
    got = lambda member: [i for i in member.json("subscribe", "--name", "s", "--idle-exit", "1") if "recall" in i]
    first, = alice.publish("198.51.100.7", "198.51.100.8", tlp="red", args=("--to", "bob"))
    second, = alice.publish("198.51.100.9", tlp="red", args=("--to", "bob"))
    for member, n in ((bob, 3), (carol, 0)):
        assert len(member.json("subscribe", "--name", "s", "--from", "start", "--filter", "type = md5", "--idle-exit", "1")) == n
    until("in history", lambda: len(bob.json("query", "tlp = red")) == 3)
    rows = hub.admin.json("admin", "report", "erase", first["report_id"])
    assert [(r["receiver"], r["subscription"], r["items"], r["state"]) for r in rows] == [("bob", "s", "1", "sent")]
    assert hub.sql("SELECT payload IS NULL FROM report ORDER BY seq").split() == ["t", "f"]
    assert [r["reason"] for r in got(bob)] == ["erased"] and got(carol) == []
    assert [i["value"] for i in bob.json("query", "tlp = red")] == ["198.51.100.9"]
    # Whoever reads it in history is written down like with any other.
    assert {r["member"] for r in hub.admin.json("admin", "read", "who", second["report_id"])} == {"bob"}

    hub.admin.isac("admin", "member", "erase", "alice")
    until("all is erased", lambda: hub.sql("SELECT count(payload) FROM report").strip() == "0", 40)
    until("and told", lambda: second["report_id"] in [r["report_id"] for r in got(bob) if r["reason"] == "erased"], 40)
    assert bob.json("query", "tlp = red") == [] and got(carol) == []


# ---- what is said about a sealed report

def about(made_by, items, kind, readers, original, publisher="alice", change=None, tlp=pb.TLP_RED):
    """A sighting or withdrawal as a report of its own, sealed to these readers."""
    def turn(header):
        header.kind, header.about, header.about_publisher = kind, original, publisher
        if change:
            change(header)
    return report.Report(made_by, items, tlp=tlp, readers=readers, change=turn)


def withdrawal(text):
    return pb.Item(withdrawal=pb.Withdrawal(type=VALUE_NUMBER["ipv4"], value=text)).SerializeToString()


def sighting(text):
    return pb.Item(sighting=pb.Sighting(type=VALUE_NUMBER["ipv4"], value=text, verdict=1)).SerializeToString()


def test_sightings_and_withdrawals_reach_its_readers_and_nobody_else(hub, alice, bob, carol):
    """Found by the program in its own opened history, sealed to the same readers; to the hub it is a report about a report."""
    word = secrets.token_hex(12)
    first, = alice.publish(f"{word}.example", "198.51.100.7", "198.51.100.8", tlp="red", args=("--to", "bob"))
    args = ("--name", "soc", "--filter", "type = md5", "--idle-exit", "1")
    assert len(bob.json("subscribe", *args, "--from", "start")) == 3
    seen, = bob.json("sighting", f"{word}.example", "--note", f"{word} again")
    assert seen["code"] == 200
    got = [x for x in alice.json("subscribe", "--from", "start", "--idle-exit", "1") if x["kind"] == "sighting"]
    assert [(x["publisher"], x["value"], x["about"], x["tlp"], x["description"], x["verified"]) for x in got] == [
        ("bob", f"{word}.example", first["report_id"], "red", f"{word} again", True)]
    took, = alice.json("withdraw", first["report_id"], "--value", "198.51.100.7")
    assert (took["code"], took["items"]) == (200, 1)
    assert [(x["kind"], x["value"], x["about"]) for x in bob.json("subscribe", *args)] == [
        ("sighting", f"{word}.example", first["report_id"]), ("withdrawal", "198.51.100.7", first["report_id"])]
    left = bob.isac("subscribe", "--from", "start", "--idle-exit", "1", "--format", "nft").stdout
    assert "198.51.100.8" in left and "198.51.100.7" not in left
    assert sorted(x["kind"] for x in bob.json("query", "not kind = indicator", "--wait")) == ["sighting", "withdrawal"]
    # Carol learns nothing, by any way; neither does the hub.
    assert read(carol) == [] and carol.json("query", "") == []
    assert carol.isac("sighting", "198.51.100.7", ok=(1,)).stderr.count("no report") == 1
    for member in (alice, bob, carol):
        answer, = member.json("life", f"{word}.example", "--wait", ok=(0, 1))
        assert [answer[k] for k in ("state", "mentions", "positive", "withdrawn")] == ["unknown", 0, 0, 0]
        assert member.json("lookup", "198.51.100.8", "--wait", ok=(0, 1))[0]["known"] is False
    for table in ("report", "mention", "indicator", "audience", "concern", "feed_range"):
        rows = hub.sql(f"SELECT t::text FROM {table} t")
        assert word not in rows and word.encode().hex() not in rows, table
    assert {s["member"] for s in alice.json("who", took["report_id"])[0]["sent"]} == {"bob"}
    assert {s["member"] for s in bob.json("who", seen["report_id"])[0]["sent"]} == {"alice", "bob"}


def test_the_hub_knows_its_end_when_all_of_it_is_taken_back(hub, alice, bob):
    """A part is between its readers; all of it, or a successor, is a fact that history shows."""
    found = lambda *more: [x for x in bob.json("query", " and ".join(["kind = indicator", *more]), "--wait") if x["kind"] == "indicator"]
    stands = lambda: {x["value"] for x in found("withdrawals = 0")}
    ended = lambda: {x["value"] for x in found() if x.get("ended")}
    first, = alice.publish("198.51.100.7", "198.51.100.8", tlp="red", args=("--to", "bob"))
    alice.json("withdraw", first["report_id"], "--value", "198.51.100.7")
    assert (stands(), ended()) == ({"198.51.100.7", "198.51.100.8"}, set())
    took, = alice.json("withdraw", first["report_id"])
    assert took["items"] == 2 and (stands(), ended()) == (set(), {"198.51.100.7", "198.51.100.8"})
    second, = alice.publish("198.51.100.9", "198.51.100.10", tlp="red", args=("--to", "bob"))
    third, = alice.publish("198.51.100.10", "198.51.100.11", tlp="red", args=("--to", "bob", "--supersedes", second["report_id"]))
    assert stands() == {"198.51.100.10", "198.51.100.11"}      # what it takes back is no indicator
    lines = bob.json("subscribe", "--from", "start", "--idle-exit", "1")
    assert [(x["kind"], x["value"]) for x in lines if x["report_id"] == third["report_id"]] == [
        ("indicator", "198.51.100.10"), ("indicator", "198.51.100.11"), ("withdrawal", "198.51.100.9")]
    assert alice.publish("198.51.100.10", tlp="amber", args=("--supersedes", third["report_id"]), ok=(1,))[0]["code"] == 422
    assert alice.json("withdraw", third["report_id"])[0]["items"] == 3 and stands() == set()
    before = hub.sql("SELECT seq, ended_seq FROM mention ORDER BY seq")
    hub.stop()
    hub.start(hub.port)
    hub.sql("truncate isac.mention, isac.indicator, isac.concern; update isac.index_cursor set seq = 0; update isac.indicator_cursor set seq = 0")
    hub.stop()
    hub.start(hub.port)
    bob.isac("query", "", "--wait")
    assert hub.sql("SELECT seq, ended_seq FROM mention ORDER BY seq") == before


def test_what_is_said_is_sealed_to_exactly_those_readers(hub, alice, bob, carol):
    a, b, c = map(kit.home_of, (alice, bob, carol))
    curve = {"alice": a.curve_public, "bob": b.curve_public, "carol": c.curve_public}
    both = {name: curve[name] for name in ("alice", "bob")}
    with Client(a, hub.request_endpoint) as one, Client(b, hub.request_endpoint) as two, Client(c, hub.request_endpoint) as three:
        made = make(a, both)
        assert one.publish(made).code == 200
        code = lambda client, *args, **kw: client.publish(about(client.home, *args, original=made.id, **kw)).code
        gone, seen = [withdrawal("198.51.100.7")], [sighting("198.51.100.7")]
        assert code(one, gone, pb.KIND_WITHDRAWAL, both) == 200
        assert code(one, gone, pb.KIND_WITHDRAWAL, {"bob": curve["bob"]}) == 200            # it need not read its own
        assert code(two, seen, pb.KIND_SIGHTING, both) == 200
        assert code(one, gone, pb.KIND_WITHDRAWAL, {"alice": curve["alice"]}) == 422        # bob has the report and would not hear
        assert code(one, gone, pb.KIND_WITHDRAWAL, curve) == 422                            # and carol must not
        assert code(two, seen, pb.KIND_SIGHTING, {**both, "carol": curve["carol"]}) == 422
        assert code(two, seen, pb.KIND_SIGHTING, {**both, "nobody": curve["bob"]}) == 422
        assert code(two, seen, pb.KIND_SIGHTING, None) == 422                               # in clear
        assert code(two, seen, pb.KIND_SIGHTING, None, tlp=pb.TLP_AMBER) == 422             # under another label
        assert code(two, seen * 2, pb.KIND_SIGHTING, both) == 422                           # more than there is to speak about
        assert code(two, seen, pb.KIND_SIGHTING, both, change=lambda h: h.recipients.append("alice")) == 422
        assert code(two, gone, pb.KIND_WITHDRAWAL, both) == 403                             # not bob's to take back
        assert code(three, seen, pb.KIND_SIGHTING, curve) == 404                            # as if there were none
        hub.admin.isac("admin", "member", "suspend", "bob")
        assert code(one, gone, pb.KIND_WITHDRAWAL, {"alice": curve["alice"]}) == 200        # who is shut out cannot be waited for
        assert one.publish(make(a, both)).code == 422                                       # and nothing new is sealed to him
    said = alice.isac("publish", "--tlp", "red", "--to", "bob", "--format", "plain", stdin="198.51.100.9\n", ok=(1,))
    assert "422" in said.stdout + said.stderr and "shut out" in said.stdout + said.stderr
    hub.admin.isac("admin", "member", "resume", "bob")
    assert alice.publish("198.51.100.9", tlp="red", args=("--to", "bob"))[0]["code"] == 200
    bob.isac("leave", "bob")
    assert alice.publish("198.51.100.10", tlp="red", args=("--to", "bob"), ok=(1,))[0]["code"] == 422


def test_readers_hold_what_is_said_to_the_rules(hub, alice, bob):
    """The hub cannot see what a sealed withdrawal says; a reader ignores what breaks the rules, and what is none of the publisher's."""
    a, b = map(kit.home_of, (alice, bob))
    both = {"alice": a.curve_public, "bob": b.curve_public}
    with Client(a, hub.request_endpoint) as one, Client(b, hub.request_endpoint) as two:
        made = make(a, both)
        assert one.publish(made).code == 200
        bad = pb.Item(withdrawal=pb.Withdrawal(type=VALUE_NUMBER["ipv4"], value="198.51.100.7", description="x\u202ey")).SerializeToString()
        wrong = pb.Item(sighting=pb.Sighting(type=VALUE_NUMBER["ipv4"], value="198.51.100.7", verdict=9)).SerializeToString()
        assert one.publish(about(a, [bad], pb.KIND_WITHDRAWAL, both, made.id)).code == 200
        assert one.publish(about(a, [report.indicator(VALUE_NUMBER["ipv4"], "203.0.113.1")], pb.KIND_WITHDRAWAL, both, made.id)).code == 200
        assert two.publish(about(b, [wrong], pb.KIND_SIGHTING, both, made.id)).code == 200
        assert one.publish(about(a, [withdrawal("203.0.113.99")], pb.KIND_WITHDRAWAL, both, made.id)).code == 200
    done = run(*bob.argv("--json", "subscribe", "--from", "start", "--idle-exit", "1"), ok=(0, 1, 4))
    rows = [kit.json.loads(line) for line in done.stdout.splitlines()]
    assert [(r["kind"], r["value"]) for r in rows if r.get("verified")] == [("indicator", "198.51.100.7"), ("withdrawal", "203.0.113.99")]
    assert "198.51.100.7" in bob.isac("subscribe", "--from", "start", "--idle-exit", "1", "--format", "nft", ok=(0, 1, 4)).stdout


def test_a_revoked_key_is_recalled_from_its_recipients(hub, alice, bob, carol):
    """Whatever their filters said: bob was sent it, carol was not."""
    sub = lambda member: member.json("subscribe", "--name", "s", "--idle-exit", "1")
    for member in (bob, carol):
        assert member.json("subscribe", "--name", "s", "--from", "start", "--filter", "type = md5", "--idle-exit", "1") == []
    first, = alice.publish("198.51.100.7", "198.51.100.8", tlp="red", args=("--to", "bob"))
    assert [len(sub(m)) for m in (bob, carol)] == [2, 0]
    hub.admin.isac("admin", "key", "revoke", hub.admin.json("admin", "key", "list", "alice")[0]["key_id"], "--from-seq", str(first["seq"]))
    until("found", lambda: any(r["complete"] == "yes" for r in hub.admin.json("admin", "recall", "list")), 40)
    told = [i for i in sub(bob) if "recall" in i]
    assert [(i["reason"], i["report_id"], i["items"]) for i in told] == [("key-revoked", first["report_id"], 1)]
    assert [i for i in sub(carol) if "recall" in i] == []
    recall = hub.admin.json("admin", "recall", "list")[0]["id"]
    assert {r["receiver"] for r in hub.admin.json("admin", "recall", "show", recall)} == {"bob"}


def test_what_is_sealed_is_no_fault(hub, alice, bob):
    """Backup's verify and the doctor look at it like at any other; nothing of it expires as far as the hub knows."""
    first, = alice.publish("198.51.100.7", tlp="red", args=("--to", "bob", "--valid-for", "1d"))
    bob.json("sighting", "198.51.100.7")
    alice.publish("198.51.100.8")
    hub.admin.isac("admin", "life", "set", "ipv4", "--age", "5", "--speed", "1")
    assert bob.json("query", "", "--wait")
    hub.sql("update isac.report set received = received - interval '10 days'")
    live = bob.start("subscribe", "--from", "start", "--follow")
    until("the green one has expired", lambda: hub.stat("feed.expired") == 1)
    assert {row["state"] for row in hub.admin.json("admin", "doctor")} == {"ok"}
    live.terminate()
    hub.stop()
    done = kit.json.loads(run(BIN / "isacd", "verify", "--data", hub.folder, "--json").stdout)
    assert done["reports"] == 3, done
