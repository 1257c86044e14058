"""Poisoning: what is held back, what that costs nobody, and how it comes into the feeds after all."""
import ipaddress
import json
import os
import pathlib
import random

import pytest

from hub import until

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
SMALL = DATA / "warninglists"
REAL = pathlib.Path(os.environ.get("ISAC_WARNINGLISTS", "/nonexistent"))     # folder "lists" of MISP's repository, where somebody has it


def benign():
    rows = [line.split("\t") for line in (DATA / "benign.values").read_text().splitlines() if line[:1] != "#"]
    return [{"type": kind, "value": value} for kind, value in rows]


def benign_500(seed=20261125):
    """Those by hand, and 500 in all: addresses, networks, names and whole sites that the rules of the lists' types cover."""
    rnd = random.Random(seed)
    nets = [ipaddress.ip_network(n) for n in ("17.0.0.0/8", "199.7.83.0/24")]
    word = lambda: "".join(rnd.choice("abcdefghijklmnop") for _ in range(7))
    address = lambda: str(rnd.choice(nets)[rnd.randrange(1, 250)])
    below = lambda: f"{word()}.{rnd.choice(['archive.org', 'w3.org', 'eff.org', 'kernel.org'])}"
    makers = [lambda: ("ipv4", address()), lambda: ("cidr", str(ipaddress.ip_network((rnd.getrandbits(8) << 16 | 17 << 24, 16)))),
              lambda: ("domain", below()), lambda: ("url", f"https://{below()}/"), lambda: ("url", f"http://{address()}/"),
              lambda: ("user-agent", f"Mozilla/5.0 ({word()}) Googlebot/{rnd.randrange(9)}")]
    said = {(i["type"], i["value"]): None for i in benign()}
    while len(said) < 500:
        said[rnd.choice(makers)()] = None
    return [{"type": kind, "value": value} for kind, value in said]


def bad(n, seed=20261125):
    """What malware leaves behind: names nobody would type, deep links, hashes. Nothing that a list of anybody's could name."""
    rnd = random.Random(seed)
    word = lambda size: "".join(rnd.choice("bcdfghjklmnpqrstvwxz0123456789") for _ in range(size))
    makers = [lambda: {"type": "domain", "value": f"{word(12)}.{word(9)}.top"}, lambda: {"type": "url", "value": f"http://{word(14)}.com/{word(6)}.exe"},
              lambda: {"type": "sha256", "value": f"{rnd.getrandbits(256):064x}"}, lambda: {"type": "md5", "value": f"{rnd.getrandbits(128):032x}"},
              lambda: {"type": "url", "value": f"https://github.com/{word(8)}/{word(8)}/raw/main/{word(5)}.zip"},
              lambda: {"type": "email", "value": f"{word(8)}@{word(10)}.net"}]
    return [makers[i % len(makers)]() for i in range(n)]


def sample(n, seed=20261125):
    """n values out of MISP's lists, by the lists' own words: an address or network, or a name."""
    found = []
    for path in sorted(REAL.glob("*/list.json")):
        one = json.loads(path.read_text())
        if path.parent.name in ("rfc1918", "rfc3849", "rfc5735", "rfc6598", "rfc6761", "multicast", "ipv6-linklocal", "tlds"):
            continue                # no publisher can say these at all
        for value in one["list"]:
            if one["type"] == "cidr":
                value = value.removesuffix("/32").removesuffix("/128")
                kind = "cidr" if "/" in value else "ipv6" if ":" in value else "ipv4"
            elif "domain" in one["matching_attributes"]:
                kind, value = "domain", value.lstrip(".").lower()
            else:
                kind = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}.get(len(value))
            if kind:
                found.append((path.parent.name, kind, value))
    rnd = random.Random(seed)
    return [{"type": kind, "value": value} for _, kind, value in rnd.sample(found, n)]


def feed(member, *args):
    return member.json("subscribe", "--from", "start", "--idle-exit", "1", *args)


def values(items):
    return [i["value"] for i in items]


@pytest.fixture
def carol(hub):
    return hub.enrol("carol")


def sql(hub, text):
    return hub.sql(text).strip()


def settled(hub):
    until("index and writer caught up", lambda: sql(hub, "select (select seq from hub_head) = (select seq from index_cursor) "
                                                        "and not exists (select from held where state = 'due')") == "t")


# ---- what is held ---------------------------------------------------------------------

def test_500_benign_values_are_in_no_feed_and_500_bad_ones_are_not_held(make_hub):
    hub = make_hub(f"warninglists_dir={SMALL}")
    alice, bob = hub.enrol("alice"), hub.enrol("bob", "subscriber")
    said = benign_500()
    receipts = alice.publish_jsonl(said)
    assert sum(r["held"] for r in receipts) == len(said) and {r["code"] for r in receipts} == {202}
    receipts = alice.publish_jsonl(bad(500))
    assert sum(r["held"] for r in receipts) == 0 and sum(r["items"] for r in receipts) == 500
    got = feed(bob)
    assert len(said) == len(got) == 500 and set(values(got)) == {i["value"] for i in bad(500)}
    assert len(alice.json("query", "true", "--held", "--limit", "1000")) == 500 + len(said)


@pytest.mark.skipif(not REAL.is_dir(), reason="no ISAC_WARNINGLISTS")
def test_500_of_the_real_lists_are_held_and_500_bad_ones_are_not(make_hub):
    hub = make_hub(f"warninglists_dir={REAL}")
    alice, bob = hub.enrol("alice"), hub.enrol("bob", "subscriber")
    done = alice.isac("--json", "publish", "--tlp", "green", "--format", "jsonl", stdin="".join(json.dumps(o) + "\n" for o in sample(600)), ok=(0, 4))
    receipts = [json.loads(line) for line in done.stdout.splitlines()]
    taken = sum(r["items"] for r in receipts)
    assert taken >= 500, "the sample has too much that cannot be published"
    assert sum(r["held"] for r in receipts) == taken
    receipts = alice.publish_jsonl(bad(500))
    assert sum(r["held"] for r in receipts) == 0
    got = feed(bob)
    assert len(got) == 500 and set(values(got)) == {o["value"] for o in bad(500)}


def test_the_publisher_is_told_why(make_hub):
    hub = make_hub(f"warninglists_dir={SMALL}")
    alice = hub.enrol("alice")
    assert 'on the list "Whole sites"' in alice.publish("www.w3.org")[0]["why"]
    assert "protocol" in alice.publish("8.8.8.8")[0]["why"]
    settled(hub)
    row, other = hub.admin.json("admin", "held", "list")
    assert [row[k] for k in ("value", "publisher", "tlp", "organisations", "why")] == ["www.w3.org", "alice", "green", "1", 'list "Whole sites"']
    assert other["why"] == "named by the protocol"
    assert [r["value"] for r in hub.admin.json("admin", "held", "list", "--type", "ipv4")] == ["8.8.8.8"]
    assert hub.admin.json("admin", "held", "list", "--publisher", "nobody") == []


def test_what_is_sealed_is_not_held(hub, alice, bob):
    """The hub cannot know what is in a red report: its recipients get it, and judge for themselves."""
    receipt, = alice.publish("google.com", tlp="red", args=("--to", "bob"))
    assert receipt["code"] == 200 and receipt["held"] == 0
    settled(hub)
    assert hub.admin.json("admin", "held", "list") == [] and values(feed(bob)) == ["google.com"]


def test_lists_are_read_again_without_a_restart(make_hub):
    hub = make_hub("warninglists_dir=lists", start=False)
    file = hub.folder / "lists" / "one" / "list.json"
    file.parent.mkdir(parents=True)
    write = lambda *names: file.write_text(json.dumps({"name": "One", "type": "hostname", "list": names, "matching_attributes": ["domain"]}))
    write("one.example")
    hub.start()
    alice = hub.enrol("alice")
    codes = lambda: [alice.publish(v)[0]["code"] for v in ("www.one.example", "www.two.example")]
    assert codes() == [202, 200]
    write("two.example")
    assert codes() == [202, 200]                    # not before it is asked for
    row, = hub.admin.json("admin", "warninglist", "reload")
    assert (row["lists"], row["entries"]) == ("1", "1")
    assert codes() == [200, 202]
    file.write_text('{"name": "One", "type": "hostname"')
    done = hub.admin.isac("admin", "warninglist", "reload", ok=(1,))
    assert "one/list.json" in done.stderr and "line 1" in done.stderr
    assert codes() == [200, 202]                    # the old ones are still in force
    assert "needs one of the roles" in alice.isac("admin", "warninglist", "reload", ok=(1,)).stderr


def test_what_is_passed_over_is_named(make_hub):
    hub = make_hub(f"warninglists_dir={SMALL}")
    row, = hub.admin.json("admin", "warninglist", "reload")
    assert row["lists"] == "5" and row["passed_over"] == "Patterns" and row["passed_over_entries"] == "2"      # TLD, 0.0.0.0/0


def test_a_hub_without_the_lists_it_is_told_of_does_not_start(make_hub):
    hub = make_hub("warninglists_dir=lists", start=False)
    for says in "No such file or directory: lists", "no list.json below lists":
        hub.start(ok=False)
        assert hub.proc.wait(30) != 0
        assert says in hub.log_text()
        hub.proc = None
        (hub.folder / "lists").mkdir(exist_ok=True)


# ---- members' space --------------------------------------------------------------------

@pytest.fixture
def owner(hub):
    return hub.enrol("owner", "publisher,subscriber", "--net", "193.0.0.0/21", "--asn", "3333", "--domain", "ripe.net")


WHOLE = [{"type": "cidr", "value": "193.0.0.0/24"}, {"type": "cidr", "value": "193.0.0.0/16"}, {"type": "asn", "value": "3333"}, {"type": "domain", "value": "ripe.net"}]
PART = [{"type": "ipv4", "value": "193.0.6.139"}, {"type": "domain", "value": "phish.ripe.net"}, {"type": "url", "value": "http://www.ripe.net/"},
        {"type": "cidr", "value": "192.0.8.0/22"}, {"type": "asn", "value": "3334"}]


def test_a_members_space_as_a_whole_is_held_and_its_hosts_are_not(hub, alice, bob, owner):
    receipt, = alice.publish_jsonl(WHOLE + PART)
    assert receipt["held_items"] == [0, 1, 2, 3] and "registered to a member" in receipt["why"] and "owner" not in receipt["why"]
    assert sorted(values(feed(bob))) == sorted(i["value"] for i in PART)
    settled(hub)
    assert {r["why"] for r in hub.admin.json("admin", "held", "list")} == {"space of owner"}


def test_the_owner_is_not_held_and_its_word_is_enough(make_hub):
    hub = make_hub("quorum=3")
    alice, bob = hub.enrol("alice"), hub.enrol("bob", "subscriber")
    owner = hub.enrol("owner", "publisher,subscriber", "--net", "193.0.0.0/21", "--asn", "3333", "--domain", "ripe.net")
    alice.publish_jsonl(WHOLE[:1])
    settled(hub)
    assert feed(bob) == []
    assert owner.publish_jsonl(WHOLE[:1])[0]["code"] == 200
    until("released", lambda: sql(hub, "select count(*) from held where state = 'released'") == "1")
    assert [(i["publisher"], i["value"]) for i in feed(bob)] == [("owner", "193.0.0.0/24"), ("alice", "193.0.0.0/24")]


def test_space_may_be_left_alone(make_hub):
    hub = make_hub("hold_member_space=false")
    alice = hub.enrol("alice")
    hub.enrol("owner", "subscriber", "--asn", "3333")
    assert alice.publish_jsonl([{"type": "asn", "value": "3333"}])[0]["code"] == 200


# ---- release ------------------------------------------------------------------------------

def test_a_second_organisation_releases_it_for_live_and_late_readers(hub, alice, bob, carol):
    live = bob.start("subscribe", "--follow", "--name", "soc", "--from", "start")
    first, = alice.publish("google.com", "198.51.100.1")
    assert json.loads(live.stdout.readline())["value"] == "198.51.100.1"
    for _ in range(3):                                      # one organisation, however often it says so
        alice.publish("google.com")
    settled(hub)
    assert sql(hub, "select count(*) from held where state = 'open'") == "4"
    alice.publish("198.51.100.2")
    assert json.loads(live.stdout.readline())["value"] == "198.51.100.2"
    head = bob.json("status")[0]["head_seq"]
    second, = carol.publish("google.com")
    assert second["code"] == 202                            # nobody had confirmed it when it came
    got = [json.loads(live.stdout.readline()) for _ in range(2)]
    assert [(i["publisher"], i["value"], i["verified"]) for i in got] == [("alice", "google.com", True), ("carol", "google.com", True)]
    assert head < got[0]["seq"] < got[1]["seq"] and got[1]["release_of"] == second["seq"]
    assert first["seq"] < got[0]["release_of"] < second["seq"]   # the newest that alice said speaks for her
    late = feed(bob)
    assert values(late) == ["198.51.100.1", "198.51.100.2", "google.com", "google.com"] and late[-2:] == got
    assert [i["seq"] for i in late] == sorted({i["seq"] for i in late})
    live.terminate()


def test_a_report_in_part_released_shows_each_item_once(hub, alice, bob, carol):
    alice.publish("google.com", "198.51.100.1", "8.8.8.8")
    carol.publish("8.8.8.8")
    until("released", lambda: sql(hub, "select count(*) from held where state = 'released'") == "2")
    got = feed(bob)
    assert sorted(values(got)) == ["198.51.100.1", "8.8.8.8", "8.8.8.8"]
    hub.admin.isac("admin", "held", "release", "google.com")
    until("released", lambda: sql(hub, "select count(*) from held where state = 'released'") == "3")
    assert sorted(values(feed(bob))) == ["198.51.100.1", "8.8.8.8", "8.8.8.8", "google.com"]
    assert [i["value"] for i in bob.json("query", "state = active and value = \"google.com\"")] == ["google.com"]
    own = [(i["value"], i.get("held", False)) for i in alice.json("query", "publisher = alice", "--held")]
    assert sorted(own) == sorted([("google.com", False), ("google.com", True), ("8.8.8.8", False), ("8.8.8.8", True), ("198.51.100.1", False)])


def test_what_an_admin_released_stays_so_and_what_it_dropped_too(hub, alice, bob, carol):
    alice.publish("google.com", "8.8.8.8")
    settled(hub)
    hub.admin.isac("admin", "held", "release", "GOOGLE.com.")
    key, = [r["key"] for r in hub.admin.json("admin", "held", "list")]
    hub.admin.isac("admin", "held", "drop", key)
    carol.publish("8.8.8.8", "google.com")                  # a second voice changes nothing on a dropped one
    until("released", lambda: sql(hub, "select count(*) from held where state = 'released'") == "2")
    settled(hub)
    assert sorted((i["publisher"], i["value"]) for i in feed(bob)) == [("alice", "google.com"), ("carol", "google.com")]
    assert [(r["value"], r["verdict"], r["organisations"]) for r in hub.admin.json("admin", "held", "list")] == [("8.8.8.8", "drop", "2")] * 2
    assert "held.drop" in [e["verb"] for e in hub.admin.json("admin", "event", "list")]
    for words, why in [(("release", "198.51.100.77"), "nothing of that value is held"), (("drop", "\"not a\tvalue"), "control")]:
        assert why in hub.admin.isac("admin", "held", *words, ok=(1,)).stderr
    assert "needs one of the roles" in alice.isac("admin", "held", "release", "8.8.8.8", ok=(1,)).stderr


def test_a_release_goes_to_those_who_may_see_the_report(hub, alice, bob, carol):
    hub.admin.isac("admin", "group", "add", "inner")
    hub.admin.isac("admin", "group", "add", "outer")
    for group, who in (("inner", "alice"), ("inner", "carol"), ("outer", "carol"), ("outer", "bob")):
        hub.admin.isac("admin", "group", "join", group, who)
    alice.publish("google.com", args=("--group", "inner"))
    carol.publish("google.com", args=("--group", "outer"))
    until("released", lambda: sql(hub, "select count(*) from held where state = 'released'") == "2")
    assert [i["publisher"] for i in feed(bob)] == ["carol"]
    assert [i["publisher"] for i in feed(carol)] == ["alice", "carol"]


def test_who_and_preview_know_of_releases(hub, alice, bob, carol):
    receipt, = alice.publish("google.com", "198.51.100.1", "8.8.8.8")
    live = bob.start("subscribe", "--follow", "--name", "soc", "--from", "start")
    assert json.loads(live.stdout.readline())["value"] == "198.51.100.1"
    sent = lambda: [(s["member"], s["items"]) for s in alice.json("who", receipt["report_id"])[0]["sent"]]
    assert sent() == [("bob", 1)]
    settled(hub)
    hub.admin.isac("admin", "held", "release", "google.com")
    assert json.loads(live.stdout.readline())["value"] == "google.com"
    assert sent() == [("bob", 1), ("bob", 1)]
    hub.admin.isac("admin", "held", "release", "8.8.8.8")
    assert json.loads(live.stdout.readline())["value"] == "8.8.8.8"
    assert sent() == [("bob", 1)] * 3
    live.terminate()
    seen = alice.json("preview", "true")[0]
    assert (seen["reports"], seen["items"], seen["held"]) == (3, 3, 2)


def test_why_says_what_became_of_a_held_report(hub, alice, bob):
    receipt, = alice.publish("google.com")
    assert not feed(bob, "--name", "soc")
    assert not feed(bob, "--name", "other", "--filter", "type = ipv4")
    settled(hub)
    states = lambda: {s["subscription"]: s["state"] for s in bob.json("why", receipt["report_id"])[0]["subscriptions"]}
    assert set(states().values()) == {"held"}
    hub.admin.isac("admin", "held", "release", "google.com")
    settled(hub)
    assert states() == {"soc": "waiting", "other": "filter"}
    assert values(bob.json("subscribe", "--name", "soc", "--idle-exit", "1")) == ["google.com"]
    assert states() == {"soc": "sent", "other": "filter"}
    row, = bob.json("why", receipt["report_id"], "--name", "soc")[0]["subscriptions"]
    assert row["sent"] == 1


def test_who_spoke_before_it_was_first_held_counts(make_hub):
    """A list that comes later does not make those unsaid who had reported it; who had taken it back by then has not spoken."""
    hub = make_hub("warninglists_dir=lists", start=False)
    file = hub.folder / "lists" / "one" / "list.json"
    file.parent.mkdir(parents=True)
    write = lambda *names: file.write_text(json.dumps({"name": "One", "type": "hostname", "list": names, "matching_attributes": ["domain"]}))
    write("other.example")
    hub.start()
    alice, bob, carol = hub.enrol("alice"), hub.enrol("bob"), hub.enrol("carol", "subscriber")
    alice.publish("www.one.example")
    gone, = alice.publish("www.two.example")
    alice.json("withdraw", gone["report_id"])
    write("one.example", "two.example")
    hub.admin.json("admin", "warninglist", "reload")
    held = [bob.publish(name)[0] for name in ("www.one.example", "www.two.example")]
    assert [r["code"] for r in held] == [202, 202]
    settled(hub)
    assert [(i["publisher"], i["value"]) for i in feed(carol, "--filter", "kind = indicator and publisher = bob")] == [("bob", "www.one.example")]
    assert [row["value"] for row in hub.admin.json("admin", "held", "list")] == ["www.two.example"]


def test_what_was_due_when_the_hub_stopped_is_released_at_its_start(hub, alice, bob):
    alice.publish("google.com")
    settled(hub)
    port = hub.port
    hub.stop()
    hub.start(port)
    hub.sql("update held set state = 'due'")
    hub.stop()
    hub.start(port)
    until("released", lambda: sql(hub, "select state from held") == "released")
    assert values(feed(bob)) == ["google.com"]


def test_the_index_made_anew_releases_nothing_twice(hub, alice, bob, carol):
    alice.publish("google.com", "8.8.8.8")
    carol.publish("google.com")
    until("released", lambda: sql(hub, "select count(*) from held where state = 'released'") == "2")
    before = sql(hub, "select seq, item, state, release_seq from held order by 1, 2")
    port = hub.port
    hub.stop()
    hub.start(port)
    hub.sql("truncate mention, indicator, held, held_voice; update index_cursor set seq = 0; update indicator_cursor set seq = 0")
    hub.stop()
    hub.start(port)
    settled(hub)
    assert sql(hub, "select seq, item, state, release_seq from held order by 1, 2") == before
    assert values(feed(bob)) == ["google.com", "google.com"]
