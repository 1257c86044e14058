"""What must not be used any more: erased by order, or signed by a key that is revoked. Exactly its receivers are told."""
import pytest
from nacl.signing import VerifyKey

import hub as hubs


@pytest.fixture
def hub(tmp_path):
    h = hubs.make(tmp_path).start()
    yield h
    h.finish()


def flat(report_id):
    return report_id.replace("-", "")


def items(lines):
    return [line["value"] for line in lines if "value" in line]


def recalls(lines, by="admin"):
    told = [line for line in lines if "recall" in line]
    assert all(line["verified"] and line["by"] == by for line in told)
    return [(line["reason"], line["publisher"], flat(line["report_id"])) for line in told]


def catch_up(member, name, *args, **kw):
    """Takes what is there; returns lines, and stderr."""
    return member.json("subscribe", "--name", name, "--idle-exit", "1", *args, **kw)


def complete(hub, reason):
    """The newest recall, once all its receivers are known."""
    def found():
        rows = [r for r in hub.admin.json("admin", "recall", "list") if r["reason"] == reason]
        return rows and rows[0]["complete"] == "yes" and rows[0]
    return hubs.until("the recall is complete", found, 40)


def test_an_erased_report_leaves_its_proof(hub):
    alice, soc, late = hub.enrol("alice"), hub.enrol("soc"), hub.enrol("late")
    secret, other = alice.publish("198.51.100.7")[0], alice.publish("198.51.100.8")[0]
    assert items(catch_up(soc, "s", "--from", "start")) == ["198.51.100.7", "198.51.100.8"]
    alice.json("query", "value = 198.51.100.7", "--wait")
    before = hub.sql(f"SELECT encode(header, 'hex'), encode(signature, 'hex'), encode(leaf, 'hex') FROM isac.report WHERE seq = {secret['seq']}")

    tried = hub.admin.json("admin", "report", "erase", secret["report_id"], "--dry-run")
    assert [(r["receiver"], r["subscription"]) for r in tried] == [("soc", "s")]
    assert items(alice.json("query", "value = 198.51.100.7")) == ["198.51.100.7"]
    assert not recalls(catch_up(soc, "s"))

    done = hub.admin.json("admin", "report", "erase", secret["report_id"], "--reason", "order 17/2026")
    assert done == tried
    # The proof holds: the same bytes, and the publisher's signature over them.
    after = hub.sql(f"SELECT encode(header, 'hex'), encode(signature, 'hex'), encode(leaf, 'hex') FROM isac.report WHERE seq = {secret['seq']}")
    assert after == before
    header, signature, _ = (bytes.fromhex(part) for part in after.strip().split("|"))
    hub_id = (hub.folder / "hub.pub").read_text().split("hub_id ")[1].split()[0]
    public = (alice.home / "member.pub").read_text().split("sign_public ")[1].split()[0]
    VerifyKey(bytes.fromhex(public)).verify(b"isac1 6 report 16 %s %d %s" % (hub_id.encode(), len(header), header), signature)
    # The content is nowhere.
    assert not items(alice.json("query", "value = 198.51.100.7"))
    assert items(alice.json("query", "value = 198.51.100.8")) == ["198.51.100.8"]
    assert hub.sql("SELECT count(*) FROM isac.report WHERE position('198.51.100.7'::bytea IN payload) > 0").strip() == "0"
    assert hub.sql("SELECT count(*) FROM isac.indicator WHERE value = '198.51.100.7'").strip() == "0"
    # Who had it is told, by name; who comes later sees that something was there.
    assert recalls(catch_up(soc, "s")) == [("erased", "alice", flat(secret["report_id"]))]
    newcomer = late.isac("--json", "subscribe", "--name", "l", "--from", "start", "--idle-exit", "1")
    assert "198.51.100.7" not in newcomer.stdout and "198.51.100.8" in newcomer.stdout and "recall" not in newcomer.stdout
    assert f"reports {secret['seq']} to {secret['seq']} no longer exist on the hub (erased)" in newcomer.stderr
    # The receipt is the same, and the id is used up.
    assert "gone already" in hub.admin.isac("admin", "report", "erase", secret["report_id"], ok=(1,)).stderr
    hub.admin.isac("admin", "report", "erase", "00" * 15 + "01", ok=(1,))
    assert other["seq"] == secret["seq"] + 1


def test_an_erased_value_of_two_reports_stays_with_the_other(hub):
    alice, bob = hub.enrol("alice"), hub.enrol("bob")
    first, second = alice.publish("198.51.100.7")[0], bob.publish("198.51.100.7", "198.51.100.9")[0]
    bob.json("query", "value = 198.51.100.9", "--wait")
    hub.admin.isac("admin", "report", "erase", second["report_id"])
    found = bob.json("query", "value = 198.51.100.7")
    assert [(i["publisher"], flat(i["report_id"])) for i in found] == [("alice", flat(first["report_id"]))]
    assert hub.sql("SELECT value, mentions, array_length(publishers, 1) FROM isac.indicator").split() == ["198.51.100.7|1|1"]
    assert not items(bob.json("query", "publishers >= 2"))


def test_a_live_session_is_told_at_once_and_gets_no_more_of_it(hub):
    alice, soc = hub.enrol("alice"), hub.enrol("soc")
    receipt = alice.publish("198.51.100.7")[0]
    feed = soc.start("subscribe", "--name", "s", "--from", "start", "--follow")
    assert "198.51.100.7" in feed.stdout.readline()
    alice.json("query", "value = 198.51.100.7", "--wait")
    hub.admin.isac("admin", "report", "erase", receipt["report_id"])
    assert '"recall"' in feed.stdout.readline()
    feed.kill()
    # From memory, too, it is gone.
    assert not items(catch_up(soc, "t", "--from", "start"))


def test_an_older_order_that_is_completed_later_is_told_in_an_open_session(hub):
    alice, bob, soc = hub.enrol("alice"), hub.enrol("bob"), hub.enrol("soc")
    for i in range(150):                                                     # the key's receivers are found in more than two steps
        alice.publish(f"198.51.100.{i + 1}")
    last = bob.publish("203.0.113.9")[0]
    bob.json("query", "true", "--wait")
    feed = soc.start("subscribe", "--name", "s", "--from", "start", "--follow")
    for _ in range(151):
        assert "value" in feed.stdout.readline()
    hub.admin.isac("admin", "key", "revoke", hub.admin.json("admin", "key", "list", "alice")[0]["key_id"], "--from-seq", "1")
    hub.admin.isac("admin", "report", "erase", last["report_id"])
    told = [hubs.json.loads(feed.stdout.readline()) for _ in range(151)]
    assert sorted(line["seq"] for line in told) == list(range(1, 152))
    assert {line["recall"] for line in told} == {1, 2}
    feed.kill()


def test_two_admins_erase(hub):
    bea = hub.enrol("bea", "admin")
    alice = hub.keygen("alice")
    waiting = hub.admin.json("admin", "member", "add", alice.home / "member.pub", "--role", "publisher,subscriber")[0]["command_id"]
    bea.isac("admin", "pending", "approve", waiting)
    receipt = alice.publish("198.51.100.7")[0]
    alice.json("query", "value = 198.51.100.7", "--wait")
    assert items(catch_up(alice, "s", "--from", "start")) == ["198.51.100.7"]
    waiting = hub.admin.json("admin", "report", "erase", receipt["report_id"])[0]["command_id"]
    assert items(alice.json("query", "value = 198.51.100.7")) == ["198.51.100.7"]
    bea.isac("admin", "pending", "approve", waiting)
    assert not items(alice.json("query", "value = 198.51.100.7"))
    assert recalls(catch_up(alice, "s"), "admin and bea") == [("erased", "alice", flat(receipt["report_id"]))]


MENTIONS = "SELECT md5(string_agg(m::text, ',' ORDER BY seq, item)), count(ended_seq) FROM isac.mention m"


def test_two_admins_withdraw_what_another_published(hub):
    """A bad block list whose publisher does not answer: it ends for exactly those who have it, and stays to be looked at."""
    bea = hub.enrol("bea", "admin")
    homes = {name: hub.keygen(name) for name in ("alice", "soc", "other", "late")}
    for member in homes.values():
        waiting = hub.admin.json("admin", "member", "add", member.home / "member.pub", "--role", "publisher,subscriber")[0]["command_id"]
        bea.isac("admin", "pending", "approve", waiting)
    alice, soc, other, late = homes.values()
    bad, good = alice.publish("198.51.100.7", "198.51.100.8")[0], alice.publish("203.0.113.9")[0]
    last = alice.json("withdraw", bad["report_id"], "--value", "198.51.100.8")[0]
    alice.json("query", "true", "--wait")
    assert "198.51.100.7" in items(catch_up(soc, "s", "--from", "start", "--filter", "kind = indicator"))
    assert items(catch_up(other, "o", "--from", "start", "--filter", "value = 203.0.113.9")) == ["203.0.113.9"]
    live = other.start("subscribe", "--name", "live", "--from", "start", "--filter", "value = 198.51.100.7", "--follow")
    assert "198.51.100.7" in live.stdout.readline()

    refused = hub.admin.isac("withdraw", bad["report_id"], "--publisher", "alice", ok=(1, 2))
    tried = hub.admin.json("admin", "report", "withdraw", bad["report_id"], "--dry-run")
    assert {(r["receiver"], r["subscription"], r["items"]) for r in tried} == {("soc", "s", "2"), ("other", "live", "1")}
    waiting = hub.admin.json("admin", "report", "withdraw", bad["report_id"], "--reason", "alice does not answer")[0]["command_id"]
    assert not recalls(catch_up(soc, "s"))
    bea.isac("admin", "pending", "approve", waiting)

    # Exactly its receivers are told, by the two admins' word; who is open, at once.
    told = ("withdrawn", "alice", flat(bad["report_id"]))
    assert recalls([hubs.json.loads(live.stdout.readline())], "admin and bea") == [told]
    live.kill()
    assert recalls(catch_up(soc, "s"), "admin and bea") == [told]
    assert not recalls(catch_up(other, "o"))
    # Who comes later gets the rest, and is told that something was there.
    newcomer = late.isac("--json", "subscribe", "--name", "l", "--from", "start", "--filter", "kind = indicator", "--idle-exit", "1")
    assert "198.51.100" not in newcomer.stdout and "203.0.113.9" in newcomer.stdout and "recall" not in newcomer.stdout
    assert f"reports {bad['seq']} to {bad['seq']} no longer exist on the hub (withdrawn by admins)" in newcomer.stderr
    assert late.json("preview", "--filter", "value = 198.51.100.7")[-1]["items"] == 0
    # History keeps it, with its publisher's signature, as ended from now on.
    found = soc.json("query", "value = 198.51.100.7 and kind = indicator")
    assert [(i["ended"], i["verified"]) for i in found] == [(True, True)]
    assert "ended" not in soc.json("query", "value = 198.51.100.7 and kind = indicator", "--as-of", bad["seq"])[0]
    assert soc.json("life", "198.51.100.7")[0]["state"] == "withdrawn"
    # Who has handled what came behind it has acknowledged it.
    row = hub.admin.json("admin", "recall", "list")[0]
    assert (row["reason"], row["sent"]) == ("withdrawn", "2")
    alice.publish("203.0.113.10")
    catch_up(soc, "s")
    who = alice.json("who", bad["report_id"])[0]
    assert who["withdrawn"] and {(s["member"], s["subscription"], s["told"] is not None) for s in who["sent"]} == {
        ("soc", "s", True), ("other", "live", True)}
    assert alice.json("who", good["report_id"])[0]["withdrawn"] is None
    told_why = lambda member: {s["subscription"]: s["state"] for s in member.json("why", bad["report_id"])[0]["subscriptions"]}
    assert told_why(soc) == {"s": "sent"} and told_why(late) == {"l": "before"}
    shown = {r["receiver"]: (r["told"] != "", r["acknowledged"]) for r in hub.admin.json("admin", "recall", "show", row["id"])}
    assert shown == {"soc": (True, "yes"), "other": (True, "no")}
    # Once is enough; what is only about a report has no end of its own.
    again = hub.admin.json("admin", "report", "withdraw", bad["report_id"])[0]["command_id"]
    assert "withdrawn already" in bea.isac("admin", "pending", "approve", again, ok=(1,)).stderr
    about = hub.admin.json("admin", "report", "withdraw", last["report_id"])[0]["command_id"]
    assert "only a report of indicators" in bea.isac("admin", "pending", "approve", about, ok=(1,)).stderr
    assert good["code"] == 200 and refused.returncode

    # The index, made again, says the same, and the store holds.
    alice.json("query", "true", "--wait")
    before = hub.sql(MENTIONS)
    assert before.strip().endswith("|2")
    hub.stop()
    hub.start()
    hub.sql("TRUNCATE isac.mention, isac.indicator, isac.concern; UPDATE isac.index_cursor SET seq = 0; UPDATE isac.indicator_cursor SET seq = 0")
    hub.stop()
    hub.start()
    alice.json("query", "true", "--wait")
    assert hub.sql(MENTIONS) == before


@pytest.mark.parametrize("change, why", [
    ("cosignature = NULL, signature = decode(repeat('00', 64), 'hex')", "does not hold"),
    ("key_id = decode(repeat('07', 8), 'hex')", "no trusted admin's"),
    ("command = (SELECT command FROM isac.admin_event WHERE verb = 'member.add' ORDER BY id LIMIT 1), "
     "signature = (SELECT signature FROM isac.admin_event WHERE verb = 'member.add' ORDER BY id LIMIT 1)", "does not recall these reports"),
])
def test_a_recall_that_no_admin_signed_is_not_heeded(hub, tmp_path, change, why):
    alice, soc = hub.enrol("alice"), hub.enrol("soc", "subscriber")
    receipt = alice.publish("198.51.100.7")[0]
    assert items(catch_up(soc, "s", "--from", "start")) == ["198.51.100.7"]
    alice.json("query", "true", "--wait")
    hub.admin.isac("admin", "report", "erase", receipt["report_id"])
    hub.sql(f"UPDATE isac.admin_event SET {change} WHERE verb = 'report.erase'")
    told = soc.isac("--json", "subscribe", "--name", "s", "--idle-exit", "1", ok=(1,))
    line = hubs.json.loads(told.stdout)
    assert line["verified"] is False and why in line["problem"] and "report_id" not in line
    assert "NOT VERIFIED" in told.stderr and "RECALLED" not in told.stderr


def test_a_revoked_key_is_recalled_from_exactly_its_receivers(hub):
    """Ten members; by filter, group, label, time and absence, some had what the stolen key signed and some had not."""
    alice, bob = hub.enrol("alice"), hub.enrol("bob")
    socs = {name: hub.enrol(name, "subscriber") for name in ("all", "cidr", "other", "named", "away", "early", "late", "idle")}
    early = alice.publish("203.0.113.1")[0]                                  # before the theft
    for name, where in (("all", "true"), ("cidr", "value in 198.51.100.0/25"), ("other", "value in 203.0.113.0/24"), ("named", "true"),
                        ("away", "true"), ("early", "true")):
        catch_up(socs[name], "s", "--from", "start", "--filter", where)
    stolen = alice.publish("198.51.100.1")[0]
    stolen_b = alice.publish("198.51.100.200")[0]
    red = alice.publish("198.51.100.2", tlp="red", args=("--to", "named"))[0]
    honest = bob.publish("198.51.100.3")[0]
    for name in ("all", "cidr", "other", "named", "away"):
        catch_up(socs[name], "s")
    key = hub.admin.json("admin", "key", "list", "alice")[0]["key_id"]
    hub.admin.isac("admin", "key", "revoke", key, "--from-seq", stolen["seq"])
    row = complete(hub, "key-revoked")
    ids = {flat(r["report_id"]): r["seq"] for r in (stolen, stolen_b, red)}
    had = {(r["receiver"], ids[r["report_id"]]) for r in hub.admin.json("admin", "recall", "show", row["id"])}
    a, b, c = stolen["seq"], stolen_b["seq"], red["seq"]
    assert had == {("all", a), ("all", b), ("cidr", a), ("named", a), ("named", b), ("named", c), ("away", a), ("away", b)}
    assert (row["reports"], row["sent"], row["told"]) == ("3", "8", "0")
    # Each is told once it is there, of its own reports and of nobody else's; the others hear nothing.
    told = {name: {ids[rid] for _, _, rid in recalls(catch_up(socs[name], "s", "--from", "now" if name in ("late", "idle") else early["seq"]))}
            for name in socs if name != "early"}
    assert told == {"all": {a, b}, "cidr": {a}, "other": set(), "named": {a, b, c}, "away": {a, b}, "late": set(), "idle": set()}
    assert {r["told"] != "" for r in hub.admin.json("admin", "recall", "show", row["id"])} == {True}
    # Who was away when they were published gets them no more, and is not told of what it never had.
    lines = socs["early"].isac("--json", "subscribe", "--name", "s", "--idle-exit", "1")
    assert "198.51.100.3" in lines.stdout and "198.51.100.1" not in lines.stdout and "recall" not in lines.stdout
    assert "the key that signed them is revoked" in lines.stderr
    assert honest["code"] == early["code"] == 200


def test_a_recall_waits_for_who_is_away_and_comes_once_it_moved_on(hub):
    alice, bob, soc = hub.enrol("alice"), hub.enrol("bob"), hub.enrol("soc", "subscriber")
    stolen = alice.publish("198.51.100.1")[0]
    catch_up(soc, "s", "--from", "start")
    hub.admin.isac("admin", "key", "revoke", hub.admin.json("admin", "key", "list", "alice")[0]["key_id"], "--from-seq", stolen["seq"])
    complete(hub, "key-revoked")
    hub.stop()
    hub.start()
    assert [r[2] for r in recalls(catch_up(soc, "s"))] == [flat(stolen["report_id"])]
    bob.publish("203.0.113.9")
    assert items(catch_up(soc, "s")) == ["203.0.113.9"]          # acknowledged beyond the place where it was told
    assert not recalls(catch_up(soc, "s"))


def test_a_block_list_is_written_anew_without_it(hub, tmp_path):
    alice, bob, soc = hub.enrol("alice"), hub.enrol("bob"), hub.enrol("soc", "subscriber")
    zone = tmp_path / "set.nft"
    alice.publish("198.51.100.1")
    bob.publish("203.0.113.9")
    soc.start("subscribe", "--name", "fw", "--format", "nft", "--output", zone, "--follow", "--every", "0")
    hubs.until("the file holds both", lambda: zone.exists() and "198.51.100.1" in zone.read_text() and "203.0.113.9" in zone.read_text())
    hub.admin.isac("admin", "key", "revoke", hub.admin.json("admin", "key", "list", "alice")[0]["key_id"], "--from-seq", "1")
    hubs.until("the file holds one", lambda: "198.51.100.1" not in zone.read_text() and "203.0.113.9" in zone.read_text(), 40)
