"""Preview, who and why. The oracle is what subscribers' own clients print: `who` names exactly these, `preview` counts what a real
subscription brings, and nobody learns of a report that his client would not print.
"""
import collections
import datetime
import json
import os
import signal

import pytest

import wirekit as kit
from hub import SLOW, until
from isac1.client import Client
from isac1.messages import pb
from isac1.tables import LIMIT

CANARY = "canary-%s.example"
NOBODY = "01234567-89ab-7def-8123-456789abcdef"


class Live:
    """A subscriber left running; what it has printed, by report_id."""

    def __init__(self, member, *args):
        self.member, self.proc, self.rest, self.lines = member, member.start("subscribe", *args), b"", []
        os.set_blocking(self.proc.stdout.fileno(), False)

    def printed(self):
        try:
            while data := os.read(self.proc.stdout.fileno(), 65536):
                self.rest += data
        except BlockingIOError:
            pass
        *whole, self.rest = self.rest.split(b"\n")
        self.lines += [json.loads(line) for line in whole]
        return collections.Counter(line["report_id"] for line in self.lines)

    def wait_for(self, receipt):
        until(f"{self.member.name} prints {receipt}", lambda: receipt["report_id"] in self.printed())

    def end(self, how=signal.SIGTERM):
        self.proc.send_signal(how)
        self.proc.wait(timeout=30 * SLOW)
        return self.printed()


def who(member, receipt, **kw):
    """{(member, subscription): items}, certain ones, and the set of members that are maybe."""
    answer, = member.json("who", receipt["report_id"], **kw)
    assert answer["report_id"] == receipt["report_id"] and answer["seq"] == receipt["seq"]
    sent = {(s["member"], s["subscription"]): s["items"] for s in answer["sent"] if s["state"] == "sent"}
    return sent, {s["member"] for s in answer["sent"] if s["state"] == "maybe-sent"}


def why(member, receipt, *args):
    """{subscription: its row}"""
    answer, = member.json("why", receipt["report_id"], *args)
    return {row["subscription"]: row for row in answer["subscriptions"]}


def mixed(publisher, n, tlp="green", args=()):
    """n reports of one to three items of several types."""
    return [publisher.publish(*[f"198.51.{100 + i}.{k + 1}" if (i + k) % 2 else f"h{i}-{k}.{publisher.name}.example" for k in range(i % 3 + 1)],
                              tlp=tlp, args=args)[0] for i in range(n)]


# ---- who

def test_who_names_exactly_those_whose_client_printed_it(hub, alice, bob):
    carol, dave = hub.enrol("carol", "subscriber"), hub.enrol("dave", "subscriber")
    lives = {("bob", "soc"): Live(bob, "--name", "soc", "--from", "start", "--filter", "type = ipv4"),
             ("bob", ""): Live(bob, "--from", "start", "--filter", "value under h2-0.alice.example"),
             ("carol", ""): Live(carol, "--from", "start", "--filter", "type = domain and not value contains \"h3\"")}
    receipts = mixed(alice, 7)
    last = alice.publish("203.0.113.1", "last.example")[0]
    lives["bob", "soc"].wait_for(last)
    lives["carol", ""].wait_for(last)
    until("bob's other session is through", lambda: receipts[2]["report_id"] in lives["bob", ""].printed())
    for receipt in [*receipts, last]:
        sent, maybe = who(alice, receipt)
        printed = {key: n for key, live in lives.items() if (n := live.printed()[receipt["report_id"]])}
        assert sent == printed and not maybe
        assert who(hub.admin, receipt)[0] == sent
    assert dave.isac("why", last["report_id"]).returncode == 0
    for live in lives.values():
        live.end()
    until("their ends are known", lambda: [bool(s["until"]) for s in alice.json("who", last["report_id"])[0]["sent"]] == [True] * 2)


def test_who_says_what_was_acknowledged(hub, alice, bob):
    live = Live(bob, "--name", "soc", "--from", "start")
    receipt = alice.publish("203.0.113.1")[0]
    live.wait_for(receipt)
    acked = until("acknowledged", lambda: [s for s in alice.json("who", receipt["report_id"])[0]["sent"] if s["acked"]])
    assert [(s["member"], s["subscription"], s["until"]) for s in acked] == [("bob", "soc", None)]
    assert len(bob.json("subscribe", "--from", "start", "--idle-exit", "0.2")) == 1     # without a name it is said at the end
    until("acknowledged", lambda: {s["subscription"] for s in alice.json("who", receipt["report_id"])[0]["sent"] if s["acked"]} == {"soc", ""})


def test_a_changed_filter_tells_old_deliveries_by_the_old_one(hub, alice, bob):
    first = alice.publish("203.0.113.1", "a.example")[0]
    assert len(bob.json("subscribe", "--name", "soc", "--from", "start", "--filter", "type = ipv4", "--idle-exit", "1")) == 1
    second = alice.publish("203.0.113.2", "b.example", "c.example")[0]
    assert len(bob.json("subscribe", "--name", "soc", "--filter", "type = domain", "--idle-exit", "1")) == 2
    third = alice.publish("203.0.113.3")[0]
    assert bob.json("subscribe", "--name", "soc", "--idle-exit", "1") == []
    assert [who(alice, r) for r in (first, second, third)] == [({("bob", "soc"): 1}, set()), ({("bob", "soc"): 2}, set()), ({}, set())]
    assert why(bob, first)["soc"]["filter"] == "type = ipv4" and why(bob, first)["soc"]["state"] == "sent"
    row = why(bob, third)["soc"]
    assert row["state"] == "filter" and row["items"][0]["blamed"] == ["type = domain"]


def test_who_left_a_group_was_sent_what_came_before(hub, alice, bob):
    carol = hub.enrol("carol", "subscriber")
    hub.admin.isac("admin", "group", "add", "banks")
    for name in ("alice", "bob", "carol"):
        hub.admin.isac("admin", "group", "join", "banks", name)
    lives = {"bob": Live(bob, "--from", "start"), "carol": Live(carol, "--name", "soc", "--from", "start")}
    before = alice.publish("203.0.113.1", args=("--group", "banks"))[0]
    for live in lives.values():
        live.wait_for(before)
    hub.admin.isac("admin", "group", "leave", "banks", "carol")
    after = alice.publish("203.0.113.2", args=("--group", "banks"))[0]
    everyone = alice.publish("203.0.113.3")[0]
    for live in lives.values():
        live.wait_for(everyone)
    for receipt in (before, after, everyone):
        printed = {name for name, live in lives.items() if receipt["report_id"] in live.printed()}
        assert {name for name, _ in who(alice, receipt)[0]} == printed
    assert lives["carol"].printed()[after["report_id"]] == 0
    hub.admin.isac("admin", "group", "join", "banks", "carol")             # entitled again, she may be told that it passed her
    assert why(carol, after)["soc"]["state"] == "passed" and why(carol, before)["soc"]["state"] == "sent"


def test_a_filter_that_says_now_said_it_then(hub, alice, bob):
    """`valid` looks at an older report as of the time at which the filter was compiled: that is kept with the deliveries."""
    carol = hub.enrol("carol", "subscriber")
    live = Live(carol, "--from", "start", "--filter", "valid")
    end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2 * SLOW)).isoformat()
    short = alice.publish_jsonl([{"type": "ipv4", "value": "203.0.113.1", "valid_until": end}])[0]
    long = alice.publish("203.0.113.2")[0]
    live.wait_for(long)
    until("it is over", lambda: [i["value"] for i in alice.json("query", "not valid")] == ["203.0.113.1"])
    assert [i["value"] for i in bob.json("subscribe", "--name", "soc", "--from", "start", "--filter", "valid", "--idle-exit", "0.2")] == ["203.0.113.2"]
    assert who(alice, short)[0] == {("carol", ""): 1} and set(live.printed()) == {short["report_id"], long["report_id"]}
    assert {name for name, _ in who(alice, long)[0]} == {"bob", "carol"}
    row = why(bob, short)["soc"]
    assert row["state"] == "filter" and [i["blamed"] for i in row["items"]] == [["valid"]]


def test_why_of_a_kept_filter_with_an_age(hub, alice, bob):
    bob.json("subscribe", "--name", "soc", "--from", "start", "--filter", "first_seen >= 7d", "--idle-exit", "0.2")
    receipt = alice.publish("203.0.113.1")[0]
    row = why(bob, receipt)["soc"]
    assert row["state"] == "filter" and len(row["items"]) == 1


def test_a_suspended_member_was_sent_what_came_before(hub, alice, bob):
    live = Live(bob, "--from", "start")
    before = alice.publish("203.0.113.1")[0]
    live.wait_for(before)
    hub.admin.isac("admin", "member", "suspend", "bob")
    until("session closed", lambda: hub.stat("feed.sessions") == 0)
    after = alice.publish("203.0.113.2")[0]
    assert who(alice, before)[0] == {("bob", ""): 1} and who(alice, after) == ({}, set())
    assert set(live.end()) == {before["report_id"]}


def kill_core(hub):
    pid = hub.pids()["core"]
    os.kill(pid, signal.SIGKILL)
    until("a new core", lambda: hub.pids().get("core") not in (None, pid) and hub.admin.isac("status", "--timeout", "2", ok=(0, 3)).returncode == 0)


def test_a_killed_core_forgets_nobody(hub, alice, bob):
    """What was written down is certain, the rest may be: nobody whose client printed it is left out, nobody is made up."""
    carol = hub.enrol("carol", "subscriber")
    lives = {"bob": Live(bob, "--name", "soc", "--from", "start"), "carol": Live(carol, "--from", "start", "--filter", "type = domain")}
    receipts = []
    for i in range(2):
        receipts.append(alice.publish(f"203.0.113.{i + 1}", *(["x.example"] if i else []))[0])
        lives["bob"].wait_for(receipts[-1])
        kill_core(hub)                                                    # at once: the flush may or may not have been
    last = alice.publish("203.0.113.9", "z.example")[0]
    for live in lives.values():
        live.wait_for(last)
    for receipt in [*receipts, last]:
        sent, maybe = who(alice, receipt)
        certain = {name for name, _ in sent}
        printed = {name for name, live in lives.items() if receipt["report_id"] in live.printed()}
        assert certain <= printed <= certain | maybe <= {"bob", "carol"}, (receipt, sent, maybe, printed)
        assert "carol" in printed or not any(name == "carol" for name in certain | maybe)
    assert {name for name, _ in who(alice, last)[0]} == {"bob", "carol"} and not who(alice, last)[1]
    assert int(hub.sql("SELECT count(*) FROM isac.feed_range WHERE closed IS NULL")) == 2


def test_a_hub_that_ends_well_leaves_no_maybe(hub, alice, bob):
    live = Live(bob, "--from", "start")
    receipt = alice.publish("203.0.113.1")[0]
    live.wait_for(receipt)
    hub.stop()
    hub.start()
    assert who(alice, receipt) == ({("bob", ""): 1}, set())
    assert hub.sql("SELECT count(*), count(closed), count(*) FILTER (WHERE maybe_seq > until_seq) FROM isac.feed_range") == "1|1|0\n"


def test_a_session_that_is_sent_nothing_leaves_no_row(hub, alice, bob):
    alice.publish("203.0.113.1")
    assert bob.json("subscribe", "--from", "start", "--filter", "type = sha256", "--idle-exit", "1") == []
    assert hub.sql("SELECT count(*) FROM isac.feed_range") == "0\n"


# ---- preview

def by(items, key):
    return collections.Counter(map(key, items))


def counted(rows):
    return {row["name"]: row["items"] for row in rows if row["items"]}


@pytest.fixture
def town(hub, alice, bob):
    """Reports of every label, by two publishers, in groups and to names; some held."""
    vendor = hub.enrol("vendor", "publisher")
    eve = hub.enrol("eve", "subscriber", "--net", "198.51.100.0/23")
    ana = hub.enrol("ana", "analyst")
    hub.admin.isac("admin", "group", "add", "banks")
    for name in ("alice", "bob"):
        hub.admin.isac("admin", "group", "join", "banks", name)
    receipts = {}
    for tlp in ("clear", "green", "amber", "amber+strict"):
        receipts[tlp] = alice.publish(CANARY % tlp.replace("+", "-"), "203.0.113.7", tlp=tlp)[0]
    receipts["red"] = alice.publish(CANARY % "red", tlp="red", args=("--to", "bob"))[0]
    receipts["group"] = alice.publish(CANARY % "group", "203.0.113.9", tlp="clear", args=("--group", "banks"))[0]
    receipts["held"] = alice.publish("8.8.8.8", "203.0.113.10")[0]
    receipts["all held"] = alice.publish("1.1.1.1")[0]
    for publisher in (vendor, alice):
        mixed(publisher, 13)
    return hub, {"alice": alice, "bob": bob, "eve": eve, "ana": ana}, receipts


FILTERS = ["true", "type = ipv4", "publisher = vendor and type in (domain, url)", "not (value under example) and tlp <= green", "mine",
           'value contains "7" or group = banks', "type = sha256"]


def test_preview_counts_what_a_subscription_brings(town):
    hub, members, _ = town
    for name in ("alice", "bob", "eve"):
        for text in FILTERS:
            items = members[name].json("subscribe", "--from", "start", "--filter", text, "--idle-exit", "0.2")
            got, = members[name].json("preview", "--filter", text, "--items", "5")
            assert got["complete"] and got["scanned"] == got["scanned_seq"] == got["until_seq"] == 34
            assert (got["items"], got["reports"]) == (len(items), len({i["report_id"] for i in items})), (name, text)
            assert counted(got["types"]) == by(items, lambda i: "sealed" if i["tlp"] == "red" else i["type"])
            assert counted(got["publishers"]) == by(items, lambda i: i["publisher"])
            assert counted(got["days"]) == by(items, lambda i: i["received"][:10])
            assert [(i["report_id"], i["value"]) for i in got["newest"]] == [(i["report_id"], i["value"]) for i in items[:-6:-1]]


def test_preview_tells_of_held_items_to_whom_queries_show_them(town):
    hub, members, _ = town
    held = {name: members[name].json("preview", "type = ipv4")[0]["held"] for name in members}
    assert held == {"alice": 2, "bob": 0, "eve": 0, "ana": 2}


@pytest.fixture
def many(make_hub):
    """More reports than a slice of a preview has."""
    hub = make_hub("rate_burst=100000")
    alice, bob = hub.enrol("alice"), hub.enrol("bob", "subscriber")
    values = [f"198.51.{i // 250}.{i % 250 + 1}" if i % 3 else f"h{i}.example" for i in range(LIMIT["PREVIEW_REPORTS"] + 100)]
    receipts = sorted(alice.publish(*values, args=("--batch", "1")), key=lambda r: r["seq"])
    return hub, alice, bob, receipts


def test_preview_keeps_to_its_span(hub, alice, bob):
    receipts = mixed(alice, 40)
    since, until_ = receipts[10]["received"], receipts[30]["received"]
    got, = bob.json("preview", "--since", since, "--until", until_)
    assert (got["from_seq"], got["until_seq"], got["scanned"]) == (10, 30, 20)
    assert got["items"] == sum(r["items"] for r in receipts[10:30])


def test_preview_goes_on_where_it_stopped(many):
    _, alice, bob, receipts = many
    parts, cursor = [], []
    while not parts or not parts[-1]["complete"]:
        parts += bob.json("preview", "type = domain", "--scan", "1", *cursor)
        cursor = ["--cursor", parts[-1]["cursor"]]
    alice.publish("later.example")
    whole, = bob.json("preview", "type = domain", "--until", receipts[-1]["received"], "--items", "100")
    assert len(parts) > 1 and [p["from_seq"] for p in parts[1:]] == [p["scanned_seq"] for p in parts[:-1]]
    assert parts[-1]["scanned_seq"] == parts[-1]["until_seq"] == len(receipts)
    assert sum(p["items"] for p in parts) == len([i for i in range(len(receipts)) if i % 3 == 0])
    rest, = bob.json("preview", "type = domain", "--items", "100")
    assert rest["complete"] and rest["items"] == sum(p["items"] for p in parts) + 1 and len(rest["newest"]) == 100
    assert [i["seq"] for i in rest["newest"]] == sorted((i["seq"] for i in rest["newest"]), reverse=True) and rest["newest"][0]["value"] == "later.example"
    assert whole["items"] <= rest["items"] and "to go on" in bob.isac("preview", "true", "--scan", "1").stderr


# ---- entitlement

def test_nobody_learns_of_what_he_may_not_see(town):
    hub, members, receipts = town
    hidden = {"eve": ["red", "group"], "ana": ["red", "group"]}
    for name, labels in hidden.items():
        member = members[name]
        said = member.isac("preview", "--items", "100").stdout + member.isac("--json", "preview", "--items", "100").stdout
        for text in ('value contains "canary"', "tlp = red", "group = banks"):
            said += member.isac("--json", "preview", text, "--items", "100").stdout
        for label in receipts:
            assert (CANARY % label.replace("+", "-") in said) == (label not in labels and "held" not in label), (name, label)
        unknown = member.isac("why", NOBODY, ok=(1,)).stderr
        for label in labels:
            assert receipts[label]["report_id"] not in said
            assert member.isac("why", receipts[label]["report_id"], ok=(1,)).stderr == unknown
    for name in ("bob", "eve", "ana"):                                       # whose reports they are not
        unknown = members[name].isac("who", NOBODY, ok=(1,)).stderr
        for receipt in receipts.values():
            assert members[name].isac("who", receipt["report_id"], ok=(1,)).stderr == unknown


def test_an_admin_learns_names_and_no_content(town):
    hub, members, receipts = town
    members["bob"].json("subscribe", "--from", "start", "--idle-exit", "0.2")
    auditor = hub.enrol("audrey", "auditor")
    for label in ("red", "group", "amber"):
        answer, = auditor.json("who", receipts[label]["report_id"])
        assert [(s["member"], s["items"]) for s in answer["sent"]] == [("bob", 1 if label == "red" else 2)] and answer["publisher"] == "alice"
        assert "canary" not in json.dumps(answer) and "203.0.113" not in json.dumps(answer)
        assert hub.admin.json("who", receipts[label]["report_id"]) == [answer]
    assert "403" in auditor.isac("why", receipts["amber"]["report_id"], ok=(1,)).stderr
    assert "403" in auditor.isac("preview", ok=(1,)).stderr
    for label in ("red", "group"):                                         # the first admin may subscribe, and is entitled to nothing more
        assert hub.admin.isac("why", receipts[label]["report_id"], ok=(1,)).stderr == hub.admin.isac("why", NOBODY, ok=(1,)).stderr
        assert CANARY % label not in hub.admin.isac("--json", "preview", "--items", "100").stdout


# ---- why

def test_why_names_the_tests_that_kept_it_out(hub, alice, bob):
    receipt = alice.publish_jsonl([{"type": "ipv4", "value": "203.0.113.1", "confidence": 40, "tags": ["scanner"]},
                                   {"type": "domain", "value": "a.example", "confidence": 80}])[0]
    text = 'confidence >= 60 and (type = ipv4 or type = url) and not tag = "scanner"'
    assert bob.json("subscribe", "--name", "soc", "--from", "start", "--filter", text, "--idle-exit", "0.2") == []
    row = why(bob, receipt)["soc"]
    assert row["state"] == "filter" and row["filter"] == text
    assert [(t["test"], t["negated"]) for t in row["tests"]] == [("confidence >= 60", False), ("type = ipv4", False), ("type = url", False), ('tag = "scanner"', True)]
    assert [i["blamed"] for i in row["items"]] == [["confidence >= 60", 'tag = "scanner"'], ["type = ipv4", "type = url"]]
    one, = why(bob, receipt, "--item", "1")["soc"]["items"]
    assert (one["item"], one["matches"], one["holds"]) == (1, False, ["confidence >= 60"])
    said = bob.isac("why", receipt["report_id"], "--name", "soc", "--item", "0").stdout
    assert "kept it out: it should not hold" in said and "item 0 does not match" in said and "item 1" not in said


def test_why_knows_every_state(hub, alice, bob):
    old = alice.publish("203.0.113.1")[0]
    bob.json("subscribe", "--name", "late", "--from", "now", "--idle-exit", "0.2")
    bob.json("subscribe", "--name", "turn", "--filter", "type = domain", "--idle-exit", "0.2")
    passed = alice.publish("203.0.113.2")[0]
    bob.json("subscribe", "--name", "turn", "--idle-exit", "0.2")
    bob.json("subscribe", "--name", "turn", "--filter", "type = ipv4", "--idle-exit", "0.2")
    held = alice.publish("8.8.8.8", "9.9.9.9")[0]
    assert {name: row["state"] for name, row in why(bob, old).items()} == {"late": "before", "turn": "before"}
    assert {name: row["state"] for name, row in why(bob, passed).items()} == {"late": "waiting", "turn": "passed"}
    assert {row["state"] for row in why(bob, held).values()} == {"held"}
    bob.json("subscribe", "--name", "late", "--idle-exit", "0.2")
    row = why(bob, passed, "--name", "late")["late"]
    assert (row["state"], row["sent"], row["acked"]) == ("sent", 1, True) and row["until"]
    assert hub.enrol("carol", "subscriber").json("why", old["report_id"])[0]["subscriptions"] == []


def test_what_retention_removed_is_known_to_its_publisher_only(hub, alice, bob):
    receipt = alice.publish("203.0.113.1")[0]
    bob.json("subscribe", "--from", "start", "--idle-exit", "0.2")
    hub.sql("DELETE FROM isac.report WHERE seq = 1")
    answer, = alice.json("who", receipt["report_id"])
    assert answer["removed"] and answer["sent"] == []
    assert alice.json("why", receipt["report_id"])[0]["removed"]
    assert bob.isac("why", receipt["report_id"], ok=(1,)).stderr == bob.isac("why", NOBODY, ok=(1,)).stderr
    assert bob.json("preview")[0]["scanned"] == 0


def test_an_id_that_two_publishers_used(hub, alice, bob):
    """Ids are unique with their publisher only: each asks about its own, and nobody's is shadowed by a later one."""
    carol = hub.enrol("carol")
    first = kit.Cooked({"items": [{"type": "ipv4", "value": "203.0.113.1"}]}, kit.home_of(alice))
    second = kit.Cooked({"items": [{"type": "domain", "value": "a.example"}], "header": {"report_id": {"hex": first.fields.report_id.hex()}}}, kit.home_of(carol))
    for cooked, member in ((first, alice), (second, carol)):
        with Client(kit.home_of(member), hub.request_endpoint) as client:
            assert client.request("SUBMIT", cooked.submit).code == 200
    assert len(bob.json("subscribe", "--from", "start", "--filter", "type = ipv4", "--idle-exit", "0.2")) == 1
    report_id = first.fields.report_id.hex()
    ask = lambda member, *args: [(a["publisher"], a["seq"], len(a["sent"])) for a in member.json("who", report_id, *args)]
    assert ask(alice) == ask(hub.admin) == ask(hub.admin, "--publisher", "alice") == [("alice", 1, 1)]
    assert ask(carol) == ask(hub.admin, "--publisher", "carol") == [("carol", 2, 0)]
    assert alice.isac("who", report_id, "--publisher", "carol", ok=(1,)).stderr == alice.isac("who", NOBODY, ok=(1,)).stderr
    why_ = lambda *args: [(a["publisher"], [s["state"] for s in a["subscriptions"]]) for a in bob.json("why", report_id, *args)]
    assert why_() == why_("--publisher", "alice") == [("alice", ["sent"])]
    assert why_("--publisher", "carol") == [("carol", ["filter"])]


# ---- what is asked badly

def test_bad_questions_get_their_codes(many):
    hub, alice, bob, receipts = many
    receipt = receipts[1]
    report_id = bytes.fromhex(receipt["report_id"].replace("-", ""))
    hub.enrol("vendor", "publisher")
    with Client(kit.home_of(bob), hub.request_endpoint) as asker, Client(kit.home_of(alice), hub.request_endpoint) as owner, \
            Client(kit.home_of(hub.members["vendor"]), hub.request_endpoint) as vendor:
        def code(kind, message, client=asker):
            got = client.request(kind, message)
            return got.code if isinstance(got, pb.Error) else 200

        slice_ = asker.request("PREVIEW", pb.Preview(filter="type = ipv4"))
        assert isinstance(slice_, pb.PreviewResult) and slice_.cursor and slice_.scanned <= LIMIT["PREVIEW_REPORTS"]
        forged = slice_.cursor[:-1] + bytes([slice_.cursor[-1] ^ 1])
        moved = bytes(7) + b"\x01" + slice_.cursor[8:]
        assert code("PREVIEW", pb.Preview(filter="type = ipv4", cursor=slice_.cursor)) == 200
        for cursor in (forged, moved, slice_.cursor[:-1], slice_.cursor + b"\0", b"\0" * len(slice_.cursor), b"x"):
            assert code("PREVIEW", pb.Preview(filter="type = ipv4", cursor=cursor)) == 416
            assert code("WHO", pb.Who(report_id=report_id, cursor=cursor), owner) == 416
        assert code("PREVIEW", pb.Preview(filter="true", cursor=slice_.cursor)) == 416
        assert code("PREVIEW", pb.Preview(filter="type = ipv4", cursor=slice_.cursor), owner) == 416
        assert code("PREVIEW", pb.Preview(filter='tag = "%s"' % ("x" * LIMIT["FILTER_BYTES"]))) == 413
        assert code("PREVIEW", pb.Preview(filter="type = ")) == 400
        refused = asker.request("PREVIEW", pb.Preview(filter="type = ipv4 and publishers >= 2"))
        assert (refused.code, refused.column) == (400, 17)
        assert code("PREVIEW", pb.Preview(filter="true", since_us=-1)) == code("PREVIEW", pb.Preview(filter="true", until_us=-5)) == 422
        assert code("PREVIEW", pb.Preview(filter="true"), vendor) == code("WHY", pb.Why(report_id=report_id), vendor) == 403
        many = asker.request("PREVIEW", pb.Preview(filter="true", items=2**32 - 1))
        assert 0 < sum(len(e.items) for e in many.entries) <= LIMIT["PREVIEW_ITEMS"]
        for kind, message in (("WHO", pb.Who), ("WHY", pb.Why)):
            assert code(kind, b"") == 400
            for bad in (report_id[:-1], report_id + b"\0", b"x"):
                assert code(kind, message(report_id=bad)) == 422
            assert code(kind, message(report_id=report_id, publisher="No Name")) == 422
            unknown = asker.request(kind, message(report_id=bytes(15) + b"\1"))
            assert unknown.code == 404
            assert asker.request(kind, message(report_id=report_id, publisher="nobody")) == unknown
            assert asker.request(kind, message(report_id=bytes(16))) == unknown
        foreign = asker.request("WHO", pb.Who(report_id=report_id, publisher="alice"))
        assert foreign == asker.request("WHO", pb.Who(report_id=report_id)) == asker.request("WHO", pb.Who(report_id=bytes(16)))
        assert isinstance(owner.request("WHO", pb.Who(report_id=report_id)), pb.WhoResult)
        assert code("WHY", pb.Why(report_id=report_id, name="no-such")) == code("WHY", pb.Why(report_id=report_id, item_plus1=99)) == 404
        assert code("WHY", pb.Why(report_id=report_id, item_plus1=1)) == 200
    assert bob.isac("who", "not-an-id", ok=(2,)).stderr.startswith("isac: 'not-an-id' is not a report_id")
    assert bob.isac("preview", "--cursor", "xyz", ok=(2,)).returncode == 2
    assert "^" in bob.isac("preview", "type = ipv4 and publishers >= 2", ok=(2,)).stderr
